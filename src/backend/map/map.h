// SPDX-License-Identifier: MIT
// The built-in backend `map`: runs up to 128 KiB, mappings of our own beyond (and whenever there
// is no run). It serves start-up, static programs, processes that choose it, and the largest blocks of all.
//
// A process keeps freed mappings up to half of what it has in live ones plus twice the largest that it has
// freed (2 to 64 MiB; up to 10 MiB sixteen times); the rest goes back to the kernel at once. What is kept is
// used whole, split, or lengthened by mremap. Growing uses a free neighbour, then mremap in place, then what is kept, up
// to 4 MiB (a page that is there costs less than one that is moved and one that is new), then mremap elsewhere, which
// copies nothing. Mappings get huge pages where they will be filled (huge_pages.h).
#pragma once
#include <cstddef>

#include "backend/ranges/registry.h"

namespace tarn::map {

struct Block {
    void* at = nullptr;
    Record record;
    size_t dirty = 0;  // bytes at its front that may not be zero
};

// `size` at least kSmallestBlock. `at` is NULL when the kernel refuses.
[[nodiscard]] Block allocate(size_t size, size_t alignment);
// A mapping with room to spare, for a block that grows.
[[nodiscard]] Block allocate_growing(size_t size);
void free(void* at, Record record);

// The block's new size, 0 when it has to move. A block that shrinks may stay as it is.
size_t resize_in_place(void* at, Record record, size_t new_size);
// For what a mapping that grows may be copied to: room that is kept, with its pages. `at` NULL: there is none, or moving it
// is cheaper.
[[nodiscard]] Block kept_to_grow_in(Record record, size_t new_size);
// Moves a mapping without copying. `at` NULL: the old block is untouched.
[[nodiscard]] Block remap(void* at, Record record, size_t new_size);
// Does so however much the process has in blocks, and does nothing where huge pages are not allowed at all. The
// block's new record.
Record prefer_huge_pages(void* at, Record record);

size_t trim();               // gives all mappings that are kept back to the kernel; bytes
size_t trim_runs_at_hand();  // run_cache.cpp: gives freed runs back to their supply; bytes
// Is this address in a freed mapping that is kept?
bool is_kept(const void* at);

struct Stats {
    size_t live, kept;  // bytes; runs in use are counted where runs are kept
};
Stats stats();

// Only the forking thread lives on. What it may see half done, because it was in here itself or because other
// threads (`others`) may have been while the kernel copied page after page, is given up: address space.
void after_fork_child(bool others);

}  // namespace tarn::map
