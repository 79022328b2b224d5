// SPDX-License-Identifier: MIT
// What lies free in the heaps of other threads, which may be blocked for good.
//
// Their heaps are for who has the lock. Their bins are not: malloc and free push and pop without it, and a
// thread may be stopped anywhere in them. But it pops from the top alone, and stops at a NULL. So, with the
// lock of the heap held, for a bin whose top slot is `top`:
//
//     top ... first   second   deeper ... end        first = top: the slot that the thread may be popping
//
//   1. `first` and `second` become NULL, by exchange.
//   2. membarrier: every thread of the process has seen that, and what it did before is visible here.
//   3. If the top is at `first` or before it and both are still NULL, the thread was never beyond `first`: to
//      come back from there it would have pushed on `second` or `first`. One pop of `first` may still be on
//      its way, having read the object; the next one finds NULL. So what was in `second` and deeper is ours.
//   4. The object of `first` is put back, if nothing was pushed there: whether the thread has it by now or
//      will pop it, it is the thread's.
//   5. Otherwise (3) both are put back likewise. Either may be what the thread is pushing just now, its top not
//      moved yet. What lies beyond the top is never read.
//
// What was taken is counted in `Bin::taken`; the thread closes the gap at its next cold end (close_gap).
#include "cache/collect.h"

#include <algorithm>
#include <utility>

#include "base/message.h"
#include "cache/caches.h"
#include "heap/orphans.h"
#include "os/os.h"

namespace tarn {

namespace {

constexpr uint64_t kWaitMost = 10'000'000;  // ns; a holder is in its heap for half a millisecond at most
constexpr SizeClass kAtATime = 16;          // bins to a membarrier
constexpr HeapId kSome = 8;                 // heaps to a step by which the process grows
// Where there are many threads, of which most rest.
constexpr uint32_t kManyThreads = 32;         // heaps with a holder
constexpr HeapId kSomeOfMany = 256;           // heaps to a look
constexpr int kBinsMost = 8;                  // of these, whose bins are emptied
constexpr uint64_t kLooksApart = 10'000'000;  // ns

// The steps rely on the order in which x86-64 lets stores be seen; and ThreadSanitizer does not know membarrier.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
constexpr bool kBins = true;
#else
constexpr bool kBins = false;
#endif

// The two slots of a bin that were made NULL, and what was there.
struct Fence {
    size_t first = 0;  // 0: none
    Object* objects[2] = {};
};

Object* exchange(Bin& bin, size_t at, Object* object) {
    return __atomic_exchange_n(&slot(bin, at), object, __ATOMIC_SEQ_CST);
}
Object* load(Bin& bin, size_t at) {
    return __atomic_load_n(&slot(bin, at), __ATOMIC_SEQ_CST);
}
void put_back(Bin& bin, size_t at, Object* object) {
    Object* expected = nullptr;
    if (object)
        __atomic_compare_exchange_n(&slot(bin, at), &expected, object, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST);
}
size_t top_now(Bin& bin) {
    return __atomic_load_n(&pops_top(bin), __ATOMIC_SEQ_CST) & 0xffff;
}

// Not once the program has confined itself.
bool barrier() {
    const os::UnlistedCall may;
    return may && os::barrier_in_all_threads();
}

Fence put_fence(Bin& bin) {
    Fence fence;
    const size_t top = top_now(bin);
    if (top + 2 * kSlot > bin.end || !load(bin, top + kSlot)) return fence;
    fence.first = top;
    for (size_t i : {0, 1})
        fence.objects[i] = exchange(bin, top + i * kSlot, nullptr);
    return fence;
}

void lift(Bin& bin, const Fence& fence) {
    put_back(bin, fence.first + kSlot, fence.objects[1]);
    put_back(bin, fence.first, fence.objects[0]);
}

// Objects of the bin that are ours go to their slabs.
void take_behind(ThreadCache& cache, Bin& bin, const Fence& fence) {
    const size_t second = fence.first + kSlot;
    const bool ours = top_now(bin) <= fence.first && !load(bin, fence.first) && !load(bin, second);
    if (!ours) return lift(bin, fence);
    uint16_t taken = 0;
    const auto give = [&](Object* object) {
        if (!object) return;
        Slab* const slab = slab_of_object(object);
        if (!slab) die(Fault::kInsideObject, object, "freed");
        cache.heap.give(*slab, object);
        ++taken;
    };
    for (size_t at = second + kSlot; at < bin.end; at += kSlot)
        give(exchange(bin, at, nullptr));
    give(fence.objects[1]);
    bin.taken = static_cast<uint16_t>(bin.taken + taken);
    cache.heap.counters(static_cast<SizeClass>(&bin - cache.bins)).flushed += taken;
    put_back(bin, fence.first, fence.objects[0]);
}

// Whether there was anything.
bool collect_bins(ThreadCache& cache) {
    bool found = false;
    for (SizeClass from = 0; from < kClasses; from += kAtATime) {
        Fence fences[kAtATime];
        bool any = false;
        for (SizeClass i = 0; i < kAtATime && from + i < kClasses; ++i) {
            fences[i] = put_fence(cache.bins[from + i]);
            any |= fences[i].first != 0;
        }
        if (!any) continue;
        found = true;
        const bool seen = barrier();
        for (SizeClass i = 0; i < kAtATime && from + i < kClasses; ++i) {
            if (!fences[i].first) continue;
            Bin& bin = cache.bins[from + i];
            seen ? take_behind(cache, bin, fences[i]) : lift(bin, fences[i]);
        }
        if (!seen) break;
    }
    return found;
}

size_t collect(ThreadCache& cache, bool bins, Collect what) {
    if (bins) collect_bins(cache);
    cache.heap.drain_mail();
    const size_t bytes = what == Collect::kMemory ? cache.heap.punch_all() : 0;
    cache.heap.dissolve_empty();
    return bytes;
}

// Whether the thread has taken and freed nothing since this was asked last. (It writes plainly: see totals.cpp.)
__attribute__((no_sanitize("thread"))) bool rests(ThreadCache& cache) {
    uint64_t sum = 0;
    for (SizeClass c = 0; c < kClasses; ++c)
        sum += static_cast<const volatile BinTop&>(cache.tops[c]).pops_top;
    return std::exchange(cache.seen_at_work, sum) == sum;
}

// Of another thread, and nobody is known to have left it half done.
bool can_be_collected(HeapId id) {
    const HeapDoor& door = heap_door(id);
    return cache_of(id) && cache_of(id) != current_cache && !door.lost &&
           door.held.load(std::memory_order_relaxed);
}

// With the lock of its heap, which `take` gets; whoever has it by then is asked again.
template <class Take, class Visit>
void visit(HeapId id, Take take, Visit visit) {
    HeapDoor& door = heap_door(id);
    if (!can_be_collected(id) || door.lock.is_mine() || !take(door.lock)) return;
    if (can_be_collected(id)) visit(*cache_of(id));
    door.lock.unlock();
}

bool any_other() {
    for (HeapId id = kOrphanHeap + 1; id < heap_count(); ++id)
        if (can_be_collected(id)) return true;
    return false;
}

}  // namespace

size_t punch_holes(ThreadCache& cache) {
    const HeapGuard guard(cache.heap);
    return cache.heap.punch_all();
}

size_t collect_others(Collect what) {
    if (orphans.unsalvaged.load(std::memory_order_relaxed)) return 0;
    const bool bins = kBins && what == Collect::kMemory && any_other() && barrier();
    size_t bytes = orphans.collect(what == Collect::kMemory);
    for (HeapId id = kOrphanHeap + 1; id < heap_count(); ++id)
        visit(
            id, [](Lock& lock) { return lock.lock_within(kWaitMost); },
            [&](ThreadCache& cache) { bytes += collect(cache, bins, what); });
    return bytes;
}

bool has_many_threads() {
    return orphans.holders.load(std::memory_order_relaxed) >= kManyThreads;
}

namespace {

// Some heaps, others with each call, that nobody is in now; what others freed into them is theirs by then.
template <class Look>
void visit_some(HeapId most, Look look) {
    static constinit std::atomic<HeapId> next{0};
    const HeapId others = heap_count() - kOrphanHeap - 1, some = std::min(most, others);
    const HeapId begin = next.fetch_add(some, std::memory_order_relaxed);
    for (HeapId i = 0; i < some; ++i)
        visit(
            kOrphanHeap + 1 + (begin + i) % others, [](Lock& lock) { return lock.try_lock(); },
            [&](ThreadCache& cache) {
                cache.heap.drain_mail();
                look(cache);
            });
}

// A thread that did nothing between two looks gets back from its slabs what it needs. What they keep in bins is more than all
// others have: hence a call that a filter may not know.
void collect_from_resting() {
    static constinit std::atomic<uint64_t> looked{0};
    uint64_t before = looked.load(std::memory_order_relaxed);
    const uint64_t now = os::nanoseconds();
    if (now - before < kLooksApart || !looked.compare_exchange_strong(before, now)) return;
    SweepBudget budget;
    int left = kBins && barrier() ? kBinsMost : 0;
    visit_some(kSomeOfMany, [&](ThreadCache& cache) {
        if (!rests(cache)) return cache.heap.tidy_when_idle(budget);
        if (left > 0) left -= collect_bins(cache);
        cache.heap.tidy(budget);
    });
}

}  // namespace

void collect_some() {
    if (heap_count() <= kOrphanHeap + 2 || orphans.unsalvaged.load(std::memory_order_relaxed)) return;
    if (has_many_threads() && !os::is_sandboxed()) return collect_from_resting();
    SweepBudget budget;
    visit_some(kSome, [&](ThreadCache& cache) { cache.heap.tidy_when_idle(budget); });
}

}  // namespace tarn
