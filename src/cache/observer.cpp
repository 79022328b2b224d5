// SPDX-License-Identifier: MIT
#include "cache/observer.h"

#include "cache/thread_cache.h"

namespace tarn {

namespace {

template <class Tell>
void each_attached(ThreadCache& cache, Tell tell) {
    // One of them may attach another that comes after it.
    for (uint32_t told = 0, left; (left = cache.observing & ~told) != 0;) {
        const int slot = __builtin_ctz(left);
        told |= (uint32_t{2} << slot) - 1;
        tell(*cache.observers[slot]);
    }
}

void set_fast_path(ThreadCache& cache) {
    if (!has_cache(&cache)) return;  // who looks on there sees large blocks alone
    bool every_object = false;
    each_attached(cache, [&](const Observer& observer) { every_object |= observer.every_object; });
    cache.fast_end = every_object ? 0 : kFastMax + 1;
    cache.counted_end = (cache.observing & kSeePops) == kProfileAlone ? kFastMax + 1 : 0;
}

}  // namespace

Observer* observer_of(const ThreadCache& cache, ObserverSlot slot) {
    return cache.observers[static_cast<size_t>(slot)];
}

void keep_observer(ThreadCache& cache, ObserverSlot slot, Observer& observer) {
    cache.observers[static_cast<size_t>(slot)] = &observer;
}

bool attached(const ThreadCache& cache, ObserverSlot slot) {
    return cache.observing & observer_bit(slot);
}

void attach(ThreadCache& cache, ObserverSlot slot) {
    cache.observing |= observer_bit(slot);
    set_fast_path(cache);
}

void detach(ThreadCache& cache, ObserverSlot slot) {
    cache.observing &= ~observer_bit(slot);
    set_fast_path(cache);
}

void forget_observers(ThreadCache& cache) {
    cache.observing = 0;
    for (Observer* const observer : cache.observers)
        if (observer) observer->calls->forget(*observer, cache);
    set_fast_path(cache);
}

void tell_refilled(ThreadCache& cache, SizeClass c, Popped& popped) {
    each_attached(cache, [&](Observer& observer) {
        if (observer.calls->refilled) observer.calls->refilled(observer, cache, c, popped);
    });
}

void tell_popped(ThreadCache& cache, SizeClass c, Popped& popped) {
    each_attached(cache, [&](Observer& observer) {
        if (observer.calls->popped) observer.calls->popped(observer, cache, c, popped);
    });
}

void tell_drained(ThreadCache& cache, SizeClass c) {
    if (passes_record(cache, kWorkOfBin)) return;
    each_attached(cache, [&](Observer& observer) {
        if (observer.calls->drained) observer.calls->drained(observer, cache, c);
    });
}

void tell_leaves(ThreadCache& cache, const void* block) {
    each_attached(cache, [&](Observer& observer) {
        if (observer.calls->leaves) observer.calls->leaves(observer, cache, block);
    });
}

void tell_changed(ThreadCache& cache, const BlockChange& change) {
    each_attached(cache, [&](Observer& observer) {
        if (observer.calls->changed) observer.calls->changed(observer, cache, change);
    });
}

}  // namespace tarn
