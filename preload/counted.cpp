// SPDX-License-Identifier: MIT
#include "preload/counted.h"

#include <string.h>

#include "entry/entry.h"
#include "seam/recorder.h"

namespace tarn {

namespace {

// It is this one's turn: the guard looks on from here.
[[gnu::cold, gnu::noinline]] void tell_due(ThreadCache& cache) {
    if (const Recorder* const record = recorder()) record->guard_due(cache);
}

// No fast path: there is no cache, or another observer sees each allocation, or the guard itself, which then counts.
[[gnu::cold, gnu::noinline]] Object* count_slow(ThreadCache& cache, size_t size) {
    const bool counts =
        has_cache(&cache) && size <= kFastMax && !(cache.observing & observer_bit(ObserverSlot::kGuard));
    if (counts && --cache.until_guard < 0) tell_due(cache);
    return nullptr;
}

// NULL: the slow end serves it, and sees whether it is to be guarded.
[[gnu::always_inline]] inline Object* pop_counted(size_t size) {
    ThreadCache& cache = *current_cache;
    if (!has_bin(cache, size)) [[unlikely]]
        return count_slow(cache, size);
    if (--cache.until_guard < 0) [[unlikely]] {
        tell_due(cache);
        return nullptr;
    }
    return pop(bin_for(cache, size));
}

}  // namespace

void* allocate_counted(size_t size) {
    Object* const object = pop_counted(size);
    return object ? object : allocate_slow(size);
}

void* allocate_zeroed_counted(size_t count, size_t size) {
    size_t bytes;
    if (!__builtin_mul_overflow(count, size, &bytes)) [[likely]]
        if (Object* const object = pop_counted(bytes)) return memset(object, 0, bytes);
    return allocate_zeroed(count, size);
}

}  // namespace tarn
