// SPDX-License-Identifier: MIT
// Large blocks: all requests that no size class serves. Which backend serves a block is decided here, once,
// and kept with it in the registry; it goes back to where it came from, whatever is in force by then.
//
//   allocate_block -> backend, or map -> registry
//   free_block     -> registry (exactly one caller wins) -> backend, or map
//   resize_block   -> in place | remapped | copied
//
// Every function may be called by any thread at any time, keeps errno, and holds no lock while it is in a
// backend of others.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/at_start.h"

namespace tarn {

// The library's constructor calls it, once; what comes before is served by `map`. Before the handlers of fork
// below are registered, so that they enclose those of the backend's library.
TARN_AT_START void load_backend();

enum class Zero : bool { kNo, kYes };

// NULL: out of memory. `alignment` is a power of two. Less than 32 KiB + 1 counts as that much.
[[nodiscard]] void* allocate_block(size_t size, size_t alignment, Zero zero);

enum class BlockFree { kFreed, kUnknown, kAlreadyFreed };
BlockFree free_block(void* block);

// Bytes that may be used; 0: not the start of a live block.
size_t block_size(const void* block);

// Whether p lies in a live block, its start included. A walk over granules: for messages only.
bool inside_block(const void* p);

enum class Copied : bool { kNo, kYes };
struct Resized {
    void* at = nullptr;  // NULL: out of memory, the old block is untouched
    Copied copied = Copied::kNo;
};
// A live block gets `new_size` bytes, more than 32 KiB, and keeps its alignment.
[[nodiscard]] Resized resize_block(void* block, size_t new_size, size_t alignment = 16);

// What the caller of allocate_block notes of a block of the hardened mode; 0 of the others.
inline constexpr unsigned kNotes = 3;
unsigned block_note(const void* block);
void set_block_note(void* block, unsigned note);
// Its size is what was asked for, to the byte.
bool block_is_exact(const void* block);

// A live block will be filled: it gets huge pages where that can be had, and keeps them when it grows.
void prefer_huge_pages(void* block);

struct BlockStats {
    uint64_t allocations, frees;  // a resize is neither
    uint64_t grown_in_place;      // resizes that gave more and copied nothing
    size_t live_blocks, live_bytes, peak_bytes;
    size_t backend_committed, backend_cached;
};
BlockStats block_stats();
size_t live_block_bytes();  // the same number alone

// Gives all that is kept back to the kernel, but runs to their supply, which is to be trimmed after it. Bytes
// known to have gone.
size_t trim_blocks();

// Windows were added: memory that small objects have not touched yet is about to be. What `map` keeps resident
// for later large blocks is given back, so that the two do not add up to the peak.
void make_room_for_small();

const char* backend_name();  // loader.cpp

// Handlers of fork. Nothing is locked before it; a backend of others is kept empty of visitors (visits.h).
void blocks_before_fork();
void blocks_after_fork_parent();
void blocks_after_fork_child();

}  // namespace tarn
