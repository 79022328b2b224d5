// SPDX-License-Identifier: MIT
// The cold ends of bins: filled from the thread's heap when empty, drained into it when full. Each takes the
// lock of the heap.
#pragma once
#include "cache/thread_cache.h"

namespace tarn {

// The bin of this class is empty. An object, popped but not yet cleared; `zeroed` when all of it but its two
// words is known to be zero. Fills the bin besides.
struct Refill {
    Object* object = nullptr;
    bool zeroed = false;
};
Refill refill(ThreadCache& cache, SizeClass c);

// The first few objects of a class that a thread takes come from mixed slabs. NULL: it has had them, or is not to have
// any. Not for who wants more than the usual alignment.
[[gnu::cold, gnu::noinline]] Object* take_mixed(ThreadCache& cache, SizeClass c);
inline Object* take_first_few(ThreadCache& cache, SizeClass c) {
    return cache.tops[c].few > 0 ? take_mixed(cache, c) : nullptr;
}

// An object of one of this thread's slabs, checked, that the bin has no room for. It carries the mark.
[[gnu::noinline]] void overflow(ThreadCache& cache, Bin& bin, Slab& slab, Object* object);
[[gnu::always_inline]] inline void give_past_bin(ThreadCache& cache, Bin& bin, Slab& slab, Object* object) {
    BinTop& tops = top_of(bin);
    if (limit_of(bin) >= kFirstLimit || ++tops.overflows >= kOverflowsMost)
        return overflow(cache, bin, slab, object);
    count_direct_free(tops);
    cache.heap.give_one(slab, object);
}

// The object that was popped last goes back as if it had not been popped: it was not handed out.
void unpop(ThreadCache& cache, SizeClass c, Object* object);

// The same, and an object in its place that the profiler samples: its free will be seen to be one (mixed::State::kSampled).
// NULL, and nothing done, where there is none to be had.
Object* take_sampled(ThreadCache& cache, SizeClass c, Object* instead_of);
// The same for an object that lies elsewhere: the guard's.
void put_guarded(ThreadCache& cache, SizeClass c, Object* instead_of);

// All objects of all bins back to their slabs; empty slabs to the run supply.
void flush(ThreadCache& cache);
// The same, and they hold nothing any more: the options were not known when the thread got its cache.
void keep_bins_empty(ThreadCache& cache);
bool in_bin(const ThreadCache& cache, SizeClass c, const Object* object);

// All bins but their limits; for the end of a thread.
void end_bins(ThreadCache& cache);
void set_limit(Bin& bin, size_t limit);
// Where an empty bin has its slots: before `end`, which is NULL for good.
void set_slots(Bin& bin, Object** end);

// Thinning out: a bin hands out again what was freed last, wherever it lies. So the slabs of a class of which the program
// needs fewer and fewer objects all stay in use, with a few objects each. While its slabs are thinned out the bin has no
// limit: what is freed goes to its slab, what is taken comes from the slab that was full last, and the sparse ones come
// empty when their objects die. It costs frees; so it is done for as many of them as there are objects, and when that
// was in vain, less and less often.
//
// The bin is full for the first time since it was refilled. True: all of it is to be drained, and it loses its limit.
bool begins_to_thin(ThreadCache& cache, SizeClass c);
// kOverflowsMost frees went past a bin without limit. False: it gets one again.
bool thins_on(ThreadCache& cache, SizeClass c);
// The thread ends: what it found out about its slabs says nothing of the next one's.
void stop_thinning(ThreadCache& cache, SizeClass c);

}  // namespace tarn
