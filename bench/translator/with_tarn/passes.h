// SPDX-License-Identifier: MIT
// The passes of the translator on tarn's interface; each throws translator::Fault.
#pragma once
#include <string_view>

#include "tarn/arena_pool.hpp"
#include "with_tarn/lexer.h"
#include "with_tarn/output.h"
#include "with_tarn/scopes.h"

namespace with_tarn {

// For a text that write_padded() writes.
inline char* padded_room(tarn::ArenaRef arena, size_t length) {
    return static_cast<char*>(arena.allocate((length + 15) & ~size_t{15}, 1));
}

// What a thread keeps from file to file.
struct Worker {
    explicit Worker(tarn::PooledArena given) : arena(std::move(given)) {}

    tarn::PooledArena arena;
    RecentWords recent;
    Marks marks;
    Scopes scopes;
    Output output{32 << 10};
};

// A file's tree, in the worker's arena. The source is followed by translator::kPadding zero bytes, and must
// outlive the tree.
File* parse(std::string_view source, tarn_interner* names, Worker& worker);

// Enters a file's module, and then its exports, into the project.
void enter(Project& project, const File& file);

// Finds what every name stands for, and every type. Names in C of variables lie in the worker's arena.
void resolve(File& file, const Project& project, Worker& worker);

// The text is valid until the next call with this output.
std::string_view emit(const File& file, Output& output);

}  // namespace with_tarn
