// SPDX-License-Identifier: MIT
// The record's file: where it is, and that it is ours. Nothing is written but to a file that was made here, and nothing is
// removed but a record of this user's whose process is gone or is this one.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn::record {

inline constexpr size_t kPathMost = 768;

struct File {
    int fd = -1;                  // open, or -1
    const char* fault = nullptr;  // why not
    int error = 0;                // of the kernel, or 0
};
// Makes it, of this many bytes, all of them holes. By the options' pattern for this process.
File make_file(const char* pattern, const char* program, uint64_t bytes);

// What is in a file that is open, as far as it says itself and the kernel does. kKilled: its process is gone without a word;
// kStale: nobody writes to it any more.
enum class Found : uint8_t { kNothing, kAnothers, kKilled, kStale, kNoRecord };
Found found_in(int fd);

// Where the one that was made last lies; "" before. `made_by_path`: its place was given.
const char* file_path();
void forget_file();
void remove_own_file();

// Memory for a part of it, by the file system. Opens it anew: nobody keeps a descriptor that the program may close and
// use for something else. False: there is none, or the path leads to another file by now.
bool allocate_part(uint64_t offset, uint64_t bytes);
// The same descriptor, to read; -1.
int reopen_to_read();

}  // namespace tarn::record
