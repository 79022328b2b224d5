// SPDX-License-Identifier: MIT
// Observer: the seam at which an upper layer looks on while a thread allocates. Metrics scopes are the first
// client; docs/design.md says how another one is added.
//
// An observer belongs to one thread's cache and has a slot of its own there. The thread itself calls it, at
// the cold ends alone and after the fact, so that nothing is locked. What bins serve in between follows from
// the counters (totals_of). One that must see every object asks for it: then the thread has no fast path to
// allocate by, and each malloc arrives at a cold end. Frees are never slowed down.
//
// An observer may not allocate, but for what it puts in the place of an object that was popped. Its memory stays
// with the cache when the thread ends, also when the cache is wiped.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "heap/size_classes.h"

namespace tarn {

struct Object;
struct ThreadCache;

// In this order they are told.
enum class ObserverSlot : uint8_t { kMetrics, kRecord, kProfile, kGuardWatch, kGuard, kCount };
inline constexpr size_t kObservers = static_cast<size_t>(ObserverSlot::kCount);
constexpr uint32_t observer_bit(ObserverSlot slot) {
    return uint32_t{1} << static_cast<unsigned>(slot);
}
// Those that are told of objects one by one where there is no fast path; the others are content with refills.
inline constexpr uint32_t kSeePops = observer_bit(ObserverSlot::kMetrics) |
                                     observer_bit(ObserverSlot::kProfile) |
                                     observer_bit(ObserverSlot::kGuard);

// The profiler alone sees pops: then objects pass untold until one comes to the byte that it waits for (ThreadCache::untold).
inline constexpr uint32_t kProfileAlone = observer_bit(ObserverSlot::kProfile);

// What a call did to large blocks. To those that see pops bytes are as usable; where there are none, bytes are what was
// asked for, and freed ones are not counted. A resize counts the bytes of the old and the new block when it copied, else the
// difference alone.
struct BlockChange {
    uint64_t allocations = 0, frees = 0;
    uint64_t bytes_allocated = 0, bytes_freed = 0;
    void* at = nullptr;            // where the block is, unless it was freed
    const void* was_at = nullptr;  // where it was, unless it was allocated
};

// An object on its way to the program, not cleared yet. An observer may give it back (unpop, bins.h) and put another one
// in its place, as long and as aligned.
struct Popped {
    Object* object;
    bool zeroed;  // all of it but its two words is known to be zero
    size_t alignment;
    size_t size = 0;        // what was asked for; 0: nobody says, and it may be as much as the class has
    bool replaced = false;  // by an observer
};

struct Observer {
    struct Calls {  // NULL: not to be told; but for `forget`
        // A bin was filled, and one object popped; an object was popped without the fast path; a bin was full.
        void (*refilled)(Observer&, ThreadCache&, SizeClass, Popped&) = nullptr;
        void (*popped)(Observer&, ThreadCache&, SizeClass, Popped&) = nullptr;
        void (*drained)(Observer&, ThreadCache&, SizeClass) = nullptr;
        // A large block is about to be freed or resized. Nobody else has its address yet; `changed` follows, where it
        // could not be resized as well.
        void (*leaves)(Observer&, ThreadCache&, const void* block) = nullptr;
        void (*changed)(Observer&, ThreadCache&, const BlockChange&) = nullptr;
        // The cache gets another thread, or its own one after a fork, or loses it: nothing may stay open. The observer
        // is detached already.
        void (*forget)(Observer&, ThreadCache&);
    };

    const Calls* calls;
    bool every_object;  // wants to see each allocation; after a change: attach()
};

// The observer in this slot of the cache; NULL: none was put there yet.
Observer* observer_of(const ThreadCache& cache, ObserverSlot slot);
// Puts it there, for as long as there is the cache, or is not wiped (kRecord); it does not look on yet.
void keep_observer(ThreadCache& cache, ObserverSlot slot, Observer& observer);
// It looks on from now on, or again with another wish for `every_object`.
void attach(ThreadCache& cache, ObserverSlot slot);
void detach(ThreadCache& cache, ObserverSlot slot);
bool attached(const ThreadCache& cache, ObserverSlot slot);
// Detaches all.
void forget_observers(ThreadCache& cache);

// What the record is told between two of its looks at the clock is nothing, unless it is asked for something. Written by its
// module (seam/host.h).
struct RecordCalls {
    std::atomic<const uint64_t*> requests{
        nullptr};  // a word that is not 0 when somebody asks; set while any thread is recorded
    std::atomic<uint32_t> news{0};  // that every thread is to hear (ThreadCache::news_heard)
};
inline constinit RecordCalls record_calls;

// From the cold ends, while any observer is attached (ThreadCache::observing).
[[gnu::cold]] void tell_refilled(ThreadCache& cache, SizeClass c, Popped& popped);
[[gnu::cold]] void tell_popped(ThreadCache& cache, SizeClass c, Popped& popped);
[[gnu::cold]] void tell_drained(ThreadCache& cache, SizeClass c);
[[gnu::cold]] void tell_leaves(ThreadCache& cache, const void* block);
[[gnu::cold]] void tell_changed(ThreadCache& cache, const BlockChange& change);

}  // namespace tarn
