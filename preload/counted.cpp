// SPDX-License-Identifier: MIT
#include "preload/counted.h"

#include <string.h>

#include "entry/entry.h"
#include "seam/recorder.h"

namespace tarn {

namespace {

// What the fast path below does not serve. No fast path: there is no cache, or another observer sees each allocation, or the
// guard itself, which then counts.
[[gnu::cold, gnu::noinline]] void count_down(size_t size) {
    ThreadCache& cache = *current_cache;
    const bool counts =
        has_cache(&cache) && size <= kFastMax && !(cache.observing & observer_bit(ObserverSlot::kGuard));
    if (counts && (cache.until_guard < 0 || --cache.until_guard < 0))
        if (const Recorder* const record = recorder()) record->guard_due(cache);
}
[[gnu::cold, gnu::noinline]] void* allocate_at_zero(size_t size) {
    count_down(size);
    return allocate_slow(size);
}
[[gnu::cold, gnu::noinline]] void* allocate_zeroed_at_zero(size_t count, size_t size) {
    count_down(count * size);
    return allocate_zeroed(count, size);
}

}  // namespace

// Each cold end is a tail call, so that nothing is kept for it.
void* allocate_counted(size_t size) {
    ThreadCache& cache = *current_cache;
    if (!has_bin(cache, size) || --cache.until_guard < 0) [[unlikely]]
        return allocate_at_zero(size);
    Object* const object = pop(bin_for(cache, size));
    if (!object) [[unlikely]]
        return allocate_slow(size);
    return object;
}

void* allocate_zeroed_counted(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) [[unlikely]]
        return allocate_zeroed(count, size);
    ThreadCache& cache = *current_cache;
    if (!has_bin(cache, bytes) || --cache.until_guard < 0) [[unlikely]]
        return allocate_zeroed_at_zero(count, size);
    Object* const object = pop(bin_for(cache, bytes));
    if (!object) [[unlikely]]
        return allocate_zeroed(count, size);
    return memset(object, 0, bytes);
}

}  // namespace tarn
