// SPDX-License-Identifier: MIT
#include "entry/large.h"

#include <errno.h>

#include "cache/thread_cache.h"
#include "process/reclaim.h"
#include "process/start.h"
#include "seam/recorder.h"
#include "stats/peak.h"

namespace tarn {

namespace {

bool observed() {
    return current_cache->observing;
}

// Whether somebody wants to know of it more than that there was work. Sizes cost a look at the registry.
bool observed_closely() {
    return current_cache->observing & kSeePops;
}

// Observed by none that is to be told of this work.
[[gnu::always_inline]] inline bool passes(size_t bytes) {
    return passes_record(*current_cache, work_of_block(bytes));
}

[[gnu::cold, gnu::noinline]] void tell_allocated(void* block, size_t size) {
    if (observed_closely()) size = block_size(block);
    tell_changed(*current_cache, {.allocations = 1, .bytes_allocated = size, .at = block});
}

// The bytes of a live block, whose observers are told; 0: there is none, or nobody wants to know.
size_t leaving(const void* block) {
    if (record_alone(*current_cache)) return 0;
    if (!observed_closely()) {
        tell_leaves(*current_cache, block);  // by which others may come to look on
        return observed_closely() ? block_size(block) : 0;
    }
    const size_t size = block_size(block);
    if (size > 0) tell_leaves(*current_cache, block);
    return size;
}

// One that could not be resized has changed by nothing, and is where it was.
void tell_resized(void* block, size_t before, const Resized& resized) {
    void* const at = resized.at ? resized.at : block;
    const size_t after = resized.at ? block_size(at) : before;
    const size_t both = resized.copied == Copied::kYes ? (before < after ? before : after) : 0;
    const bool grown = after > before;
    tell_changed(*current_cache, {.bytes_allocated = both + (grown ? after - before : 0),
                                  .bytes_freed = both + (grown ? 0 : before - after),
                                  .at = at,
                                  .was_at = block});
}

[[gnu::cold, gnu::noinline]] Resized resize_observed(void* block, size_t size, size_t alignment) {
    const size_t before = leaving(block);
    const Resized resized = resize_block(block, size, alignment);
    if (before > 0)
        tell_resized(block, before, resized);
    else if (resized.at != block &&  // growing by a few bytes in place is no work to speak of
             !passes(size))
        tell_changed(*current_cache, {.bytes_allocated = size, .at = resized.at, .was_at = block});
    return resized;
}

[[gnu::cold, gnu::noinline]] BlockFree release_observed(void* block) {
    const size_t size = leaving(block);
    const BlockFree done = free_block(block);
    if (done == BlockFree::kFreed)
        tell_changed(*current_cache, {.frees = 1, .bytes_freed = size, .was_at = block});
    return done;
}

}  // namespace

void* no_memory() {
    errno = ENOMEM;
    return nullptr;
}

namespace {

[[gnu::cold, gnu::noinline]] void* out_of_memory(size_t size, size_t alignment) {
    if (const Recorder* const record = recorder()) record->out_of_memory(size, alignment);
    return no_memory();
}

}  // namespace

void* allocate_large(size_t size, size_t alignment, Zero zero) {
    start();
    void* block = allocate_block(size, alignment, zero);
    if (!block && reclaim(size)) block = allocate_block(size, alignment, zero);
    if (!block) return out_of_memory(size, alignment);
    note_footprint();
    if (observed() && !passes(size)) [[unlikely]]
        tell_allocated(block, size);
    return block;
}

void* resize_large(void* block, size_t size, size_t alignment) {
    const Resized resized =
        observed() ? resize_observed(block, size, alignment) : resize_block(block, size, alignment);
    if (!resized.at) return out_of_memory(size, alignment);
    note_footprint();
    return resized.at;
}

BlockFree release_large(void* block) {
    return observed() && !passes(0) ? release_observed(block) : free_block(block);
}

}  // namespace tarn
