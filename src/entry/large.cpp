// SPDX-License-Identifier: MIT
#include "entry/large.h"

#include <errno.h>

#include "cache/thread_cache.h"
#include "process/reclaim.h"
#include "process/start.h"

namespace tarn {

namespace {

bool observed() {
    return current_cache->observing;
}

}  // namespace

void* no_memory() {
    errno = ENOMEM;
    return nullptr;
}

void* allocate_large(size_t size, size_t alignment, Zero zero) {
    start();
    void* block = allocate_block(size, alignment, zero);
    if (!block && reclaim(size)) block = allocate_block(size, alignment, zero);
    if (!block) return no_memory();
    if (observed()) [[unlikely]]
        tell_changed(*current_cache, {.allocations = 1, .bytes_allocated = block_size(block)});
    return block;
}

void* resize_large(void* block, size_t size, size_t alignment) {
    const size_t before = observed() ? block_size(block) : 0;
    const Resized resized = resize_block(block, size, alignment);
    if (!resized.at) return no_memory();
    if (before > 0) [[unlikely]] {
        const size_t after = block_size(resized.at);
        const size_t both = resized.copied == Copied::kYes ? (before < after ? before : after) : 0;
        const bool grown = after > before;
        tell_changed(*current_cache, {.bytes_allocated = both + (grown ? after - before : 0),
                                      .bytes_freed = both + (grown ? 0 : before - after)});
    }
    return resized.at;
}

BlockFree release_large(void* block) {
    const size_t size = observed() ? block_size(block) : 0;
    const BlockFree done = free_block(block);
    if (size > 0 && done == BlockFree::kFreed) [[unlikely]]
        tell_changed(*current_cache, {.frees = 1, .bytes_freed = size});
    return done;
}

}  // namespace tarn
