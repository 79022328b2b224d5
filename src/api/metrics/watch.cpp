// SPDX-License-Identifier: MIT
#include "api/metrics/watch.h"

#include <algorithm>
#include <atomic>

#include "cache/totals.h"
#include "os/os.h"

namespace tarn {

namespace {

// Bytes taken at cold ends before the next sample: a share of the peak, so that samples stay cheap beside
// what is allocated, within bounds.
constexpr uint64_t kBudgetShare = 64;
constexpr uint64_t kBudgetLeast = uint64_t{16} << 10;
constexpr uint64_t kBudgetMost = uint64_t{1} << 20;

constinit std::atomic<uint64_t> threads{0};

void add_class(ThreadTotals& total, const ThreadCache& cache, SizeClass c) {
    const ClassTotals totals = totals_of(cache, c);
    const size_t size = kSizeClasses[c].size;
    total.small_allocations += totals.allocations;
    total.small_frees += totals.frees;
    total.fresh += totals.fresh;
    total.remote_frees += totals.remote_frees;
    total.bytes_allocated += totals.allocations * size;
    total.bytes_freed += totals.frees * size;
    if (size <= kFastMax) total.held_bytes += objects_in(cache.bins[c]) * size;
}

int64_t most_since(const Watch& watch, const ThreadTotals& now) {
    const int64_t least = std::max(watch.live, now.live());
    if (watch.exact_levels > 0) return least;
    const int64_t by_bins = watch.live + static_cast<int64_t>(watch.held_bytes + watch.taken);
    const int64_t by_allocated =
        watch.live + static_cast<int64_t>(now.bytes_allocated - watch.bytes_allocated);
    const int64_t by_freed = now.live() + static_cast<int64_t>(now.bytes_freed - watch.bytes_freed);
    return std::max(least, std::min({by_bins, by_allocated, by_freed}));
}

void begin_interval(Watch& watch, const ThreadTotals& now) {
    watch.live = now.live();
    watch.bytes_allocated = now.bytes_allocated;
    watch.bytes_freed = now.bytes_freed;
    watch.held_bytes = now.held_bytes;
    watch.taken = 0;
}

void take(Watch& watch, ThreadCache& cache, uint64_t bytes) {
    if (watch.exact_levels > 0 || watch.taken + bytes > watch.budget)
        sample_watch(cache);
    else
        watch.taken += bytes;
}

void refilled(Observer& observer, ThreadCache& cache, SizeClass c, Popped&) {
    take(static_cast<Watch&>(observer), cache, (objects_in(cache.bins[c]) + 1) * kSizeClasses[c].size);
}

void popped(Observer& observer, ThreadCache& cache, SizeClass c, Popped&) {
    take(static_cast<Watch&>(observer), cache, kSizeClasses[c].size);
}

void changed(Observer& observer, ThreadCache& cache, const BlockChange& change) {
    Watch& watch = static_cast<Watch&>(observer);
    watch.blocks.allocations += change.allocations;
    watch.blocks.frees += change.frees;
    watch.blocks.bytes_allocated += change.bytes_allocated;
    watch.blocks.bytes_freed += change.bytes_freed;
    if (change.bytes_allocated) take(watch, cache, change.bytes_allocated);
}

void forget(Observer& observer, ThreadCache&) {
    Watch& watch = static_cast<Watch&>(observer);
    watch.depth = watch.exact_levels = 0;
    watch.thread = 0;
}

constexpr Observer::Calls kCalls = {
    .refilled = refilled, .popped = popped, .changed = changed, .forget = forget};

Watch* watch_of(const ThreadCache& cache) {
    return static_cast<Watch*>(observer_of(cache, ObserverSlot::kMetrics));
}

Watch* make_watch(ThreadCache& cache) {
    if (Watch* const watch = watch_of(cache)) return watch;
    Watch* const made = static_cast<Watch*>(os::map(sizeof(Watch)));
    if (!made) return nullptr;
    made->calls = &kCalls;
    keep_observer(cache, ObserverSlot::kMetrics, *made);
    return made;
}

// Attached while a level is open.
void show(ThreadCache& cache, Watch& watch) {
    watch.every_object = watch.exact_levels > 0;
    watch.depth > 0 ? attach(cache, ObserverSlot::kMetrics) : detach(cache, ObserverSlot::kMetrics);
}

}  // namespace

Watch* open_watch(const ThreadCache& cache) {
    return attached(cache, ObserverSlot::kMetrics) ? watch_of(cache) : nullptr;
}

ThreadTotals thread_totals(const ThreadCache& cache) {
    ThreadTotals total;
    for (SizeClass c = 0; c < kClasses; ++c)
        add_class(total, cache, c);
    const Watch* const watch = watch_of(cache);
    if (!watch) return total;
    const BlockChange& blocks = watch->blocks;
    total.large_allocations = blocks.allocations;
    total.large_frees = blocks.frees;
    total.bytes_allocated += blocks.bytes_allocated;
    total.bytes_freed += blocks.bytes_freed;
    return total;
}

bool open_level(ThreadCache& cache, bool exact, ThreadTotals& start) {
    Watch* const watch = make_watch(cache);
    if (!watch || watch->depth == Watch::kDepthMax) return false;
    if (watch->thread == 0) watch->thread = threads.fetch_add(1, std::memory_order_relaxed) + 1;
    if (watch->depth > 0) {
        start = sample_watch(cache);
    } else {
        start = thread_totals(cache);
        begin_interval(*watch, start);
    }
    const int64_t live = start.live();
    watch->levels[watch->depth++] = {++watch->serials, live, live, live, exact};
    watch->exact_levels += exact;
    watch->budget = kBudgetLeast;
    show(cache, *watch);
    return true;
}

ThreadTotals sample_watch(ThreadCache& cache) {
    Watch& watch = *watch_of(cache);
    const ThreadTotals now = thread_totals(cache);
    Watch::Level& level = watch.levels[watch.depth - 1];
    level.seen = std::max(level.seen, now.live());
    level.most = std::max(level.most, most_since(watch, now));
    const auto peak = static_cast<uint64_t>(level.seen - level.base);
    watch.budget = std::clamp(peak / kBudgetShare, kBudgetLeast, kBudgetMost);
    // Far below the peak there is nothing to see.
    const int64_t below = level.seen - now.live() - static_cast<int64_t>(now.held_bytes);
    if (below > 0) watch.budget += static_cast<uint64_t>(below);
    begin_interval(watch, now);
    return now;
}

void close_level(ThreadCache& cache) {
    Watch& watch = *watch_of(cache);
    const Watch::Level ended = watch.levels[--watch.depth];
    watch.exact_levels -= ended.exact;
    if (watch.depth > 0) {
        Watch::Level& outer = watch.levels[watch.depth - 1];
        outer.seen = std::max(outer.seen, ended.seen);
        outer.most = std::max(outer.most, ended.most);
    }
    show(cache, watch);
}

}  // namespace tarn
