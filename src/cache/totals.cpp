// SPDX-License-Identifier: MIT
#include "cache/totals.h"

#include "cache/caches.h"
#include "hardened/hardened.h"
#include "heap/orphans.h"
#include "mixed/mixed.h"
#include "pages/runs.h"

namespace tarn {

namespace {

// What caches counted that were wiped since, and threads that have none.
struct WithoutCache {
    ClassTotals classes[kClasses] = {};
    Tallies tallies;
};
constinit WithoutCache without_cache;

void add_totals(ClassTotals& total, const ClassTotals& more) {
    total.allocations += more.allocations;
    total.frees += more.frees;
    total.fresh += more.fresh;
    total.remote_frees += more.remote_frees;
    total.slabs += more.slabs;
    total.mixed += more.mixed;
    total.touched += more.touched;
    total.in_bins += more.in_bins;
}

}  // namespace

// Words that its thread writes plainly, for a fast path without atomic operations, each of them whole: ThreadSanitizer would
// call that a race, and clang's looks at atomic reads in any function.
__attribute__((no_sanitize("thread"))) ClassTotals totals_of(const ThreadCache& cache, SizeClass c) {
    const volatile Bin& bin = cache.bins[c];
    const ClassCounters& counters = cache.heap.counters(c);
    const uint64_t filled = counters.filled, flushed = counters.flushed, remote = counters.remote_frees;
    const volatile BinTop& tops = cache.tops[c];
    const uint64_t both = tops.pops_top;
    const uint64_t pops = both >> 16;
    int64_t held = (bin.end - static_cast<int64_t>(both & 0xffff)) / int64_t{kSlot} - bin.taken;
    // On the way to other slots it is empty, and end and top seem farther apart than it has room.
    if (held < 0 || held > kSizeClasses[c].bin_limit) held = 0;
    const int64_t pushed = held + static_cast<int64_t>(pops + flushed - filled);
    const uint64_t direct = tops.direct_frees;
    const uint64_t frees = (pushed > 0 ? static_cast<uint64_t>(pushed) : 0) + direct + remote;
    return {pops,           frees, counters.fresh,   remote,
            counters.slabs, 0,     counters.touched, static_cast<uint64_t>(held)};
}

ClassTotals class_totals(SizeClass c) {
    const ReadingCaches reading(ReadingCaches::Waits::kBounded);
    ClassTotals total = without_cache.classes[c];
    // The orphan heap has no bins: what was taken was handed out.
    const ClassCounters& orphaned = orphans.heap.counters(c);
    add_totals(total, {orphaned.filled, orphaned.remote_frees, orphaned.fresh, orphaned.remote_frees,
                       orphaned.slabs, 0, orphaned.touched});
    const mixed::Counts mixed = mixed::counts(c);
    add_totals(total, {mixed.taken, mixed.freed, mixed.fresh, 0, 0, mixed.objects});
    const hardened::Counts guarded = hardened::counts(c);
    add_totals(total, {guarded.taken, guarded.freed, guarded.fresh, 0, 0, guarded.objects});
    for (HeapId id = kOrphanHeap + 1; id < heap_count(); ++id)
        if (const ThreadCache* cache = cache_of(id)) add_totals(total, totals_of(*cache, c));
    return total;
}

// Bins are written plainly by their threads, which ThreadSanitizer does not know to be meant.
#ifdef __SANITIZE_THREAD__
constexpr bool kReadsOthers = false;
#else
constexpr bool kReadsOthers = true;
#endif

// Differences modulo 2^64: what one cache handed out, another one may have got back.
bool try_live_bytes(uint64_t& bytes) {
    if (!kReadsOthers && others_lived()) return false;
    if (runs_are_mine() || mixed::is_mine() || hardened::is_mine() || in_cold_end()) return false;
    const ReadingCaches reading(ReadingCaches::Waits::kNot);
    if (!reading.holds()) return false;
    uint64_t sum = mixed::live_bytes() + hardened::live_bytes();
    const auto add = [&sum](SizeClass c, uint64_t allocations, uint64_t frees) {
        sum += (allocations - frees) * kSizeClasses[c].size;
    };
    for (SizeClass c = 0; c < kClasses; ++c) {
        add(c, without_cache.classes[c].allocations, without_cache.classes[c].frees);
        add(c, orphans.heap.counters(c).filled, orphans.heap.counters(c).remote_frees);
    }
    for (HeapId id = kOrphanHeap + 1; id < heap_count(); ++id) {
        const ThreadCache* const cache = cache_of(id);
        for (SizeClass c = 0; cache && c < kClasses; ++c) {
            const ClassTotals totals = totals_of(*cache, c);
            add(c, totals.allocations, totals.frees);
        }
    }
    if (!reading.holds())
        return false;  // a child, in which caches of threads that are gone were put away meanwhile
    bytes = static_cast<int64_t>(sum) > 0 ? sum : 0;
    return true;
}

void tally(Tally which, int64_t change) {
    if (has_cache(current_cache)) [[likely]]
        current_cache->tallies.add(which, change);
    else
        without_cache.tallies.add_shared(which, change);
}

uint64_t tally_total(Tally which) {
    const ReadingCaches reading(ReadingCaches::Waits::kBounded);
    int64_t total = without_cache.tallies.value(which);
    for (HeapId id = kOrphanHeap + 1; id < heap_count(); ++id)
        if (const ThreadCache* cache = cache_of(id)) total += cache->tallies.value(which);
    return total > 0 ? static_cast<uint64_t>(total) : 0;
}

void keep_totals(const ThreadCache& cache) {
    for (SizeClass c = 0; c < kClasses; ++c)
        add_totals(without_cache.classes[c], totals_of(cache, c));
    for (int i = 0; i < static_cast<int>(Tally::kCount); ++i) {
        const auto which = static_cast<Tally>(i);
        without_cache.tallies.add_shared(which, cache.tallies.value(which));
    }
}

}  // namespace tarn
