// SPDX-License-Identifier: MIT
// The passes of the translator on tarn's interface; each throws translator::Fault.
#pragma once
#include <string_view>

#include "tarn/arena.hpp"
#include "with_tarn/output.h"
#include "with_tarn/recent_words.h"
#include "with_tarn/scopes.h"
#include "with_tarn/tokens.h"

namespace with_tarn {

// For a text that write_padded() writes.
inline char* padded_room(tarn::ArenaRef arena, size_t length) {
    return static_cast<char*>(arena.allocate((length + 15) & ~size_t{15}, 1));
}

// What a thread keeps from file to file.
struct Worker {
    Tokens tokens;
    RecentWords recent;
    Scopes scopes;
    Output output{32 << 10};
};

// The source is followed by translator::kPadding zero bytes. It must outlive the tree.
void tokenise(std::string_view source, tarn_interner* names, RecentWords& recent, Tokens& tokens);

// The tree of these tokens, in the arena.
File* parse(std::string_view source, const Tokens& tokens, tarn::ArenaRef arena, Scopes& scopes);

// Enters a file's module, and then its exports, into the project.
void enter(Project& project, const File& file);

// Finds what every name stands for, and every type.
void resolve(File& file, const Project& project, tarn::ArenaRef arena, Scopes& scopes);

// The text is valid until the next call with this output.
std::string_view emit(const File& file, Output& output);

}  // namespace with_tarn
