// SPDX-License-Identifier: MIT
// A template engine's inner loop: each line is split, its variables are replaced, the result is joined. All
// of that is temporary and lies on the stack, unless a line is very long.
#include <cstdio>
#include <string_view>
#include <tarn/scoped_arena.hpp>
#include <tarn/small_vector.hpp>

struct Variable {
    std::string_view name, value;
};

using Pieces = tarn::SmallVector<std::string_view, 16>;

static Pieces split(std::string_view line) {
    Pieces pieces;
    while (!line.empty()) {
        const std::size_t space = std::min(line.find(' '), line.size() - 1);
        pieces.push_back(line.substr(0, space + 1));
        line.remove_prefix(space + 1);
    }
    return pieces;
}

// Anything that takes an ArenaRef works on every kind of arena.
static std::string_view expand(tarn::ArenaRef arena, std::string_view line,
                               std::span<const Variable> variables) {
    std::span<char> text = arena.make_array<char>(0);
    const auto add = [&](std::string_view piece) {
        const std::size_t length = text.size();
        text = arena.resize(text, length + piece.size());  // the last object: it grows where it is
        std::copy(piece.begin(), piece.end(), text.data() + length);
    };
    for (std::string_view piece : split(line)) {
        const Variable* found = nullptr;
        for (const Variable& variable : variables)
            if (piece.starts_with('$') && piece.substr(1).starts_with(variable.name)) found = &variable;
        if (found) {
            add(found->value);
            piece.remove_prefix(1 + found->name.size());
        }
        add(piece);
    }
    return {text.data(), text.size()};
}

int main() {
    const Variable variables[] = {{"user", "Ada"}, {"count", "3"}, {"thing", "messages"}};
    for (std::string_view line :
         {"Hello $user, welcome back.", "You have $count new $thing.", "$nobody knows."}) {
        tarn::ScopedArena<1024> arena;
        const std::string_view text = expand(arena, line, variables);
        std::printf("%.*s\n", int(text.size()), text.data());
        if (arena.statistics().chunks > 1) std::printf("(it did not fit)\n");
    }  // each line's memory goes here
    return 0;
}
