// SPDX-License-Identifier: MIT
#include "stats/watch.h"

#include <algorithm>
#include <atomic>

#include "base/os.h"

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
    watch.block_bytes = watch.blocks.bytes_allocated;
}

void take(ThreadCache& cache, uint64_t bytes) {
    Watch& watch = *cache.watch;
    if (watch.exact_levels > 0 || watch.taken + bytes > watch.budget)
        settle_watch(cache);
    else
        watch.taken += bytes;
}

void set_fast_path(ThreadCache& cache) {
    cache.fast_end = cache.watch && cache.watch->exact_levels > 0 ? 0 : kFastMax + 1;
}

Watch* watch_memory(ThreadCache& cache) {
    if (!cache.watch_memory) cache.watch_memory = static_cast<Watch*>(os::map(sizeof(Watch)));
    return cache.watch_memory;
}

}  // namespace

ThreadTotals thread_totals(const ThreadCache& cache) {
    ThreadTotals total;
    for (SizeClass c = 0; c < kClasses; ++c)
        add_class(total, cache, c);
    if (!cache.watch_memory) return total;
    const ThreadBlocks& blocks = cache.watch_memory->blocks;
    total.large_allocations = blocks.allocations;
    total.large_frees = blocks.frees;
    total.bytes_allocated += blocks.bytes_allocated;
    total.bytes_freed += blocks.bytes_freed;
    return total;
}

bool open_level(ThreadCache& cache, bool exact, ThreadTotals& start) {
    Watch* const watch = watch_memory(cache);
    if (!watch || watch->depth == Watch::kDepthMax) return false;
    if (watch->thread == 0) watch->thread = threads.fetch_add(1, std::memory_order_relaxed) + 1;
    if (watch->depth > 0) {
        start = settle_watch(cache);
    } else {
        start = thread_totals(cache);
        begin_interval(*watch, start);
    }
    const int64_t live = start.live();
    watch->levels[watch->depth++] = {++watch->serials, live, live, live, exact};
    watch->exact_levels += exact;
    watch->budget = kBudgetLeast;
    cache.watch = watch;
    watched_blocks = &watch->blocks;
    set_fast_path(cache);
    return true;
}

ThreadTotals settle_watch(ThreadCache& cache) {
    Watch& watch = *cache.watch;
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
    Watch& watch = *cache.watch;
    const Watch::Level ended = watch.levels[--watch.depth];
    watch.exact_levels -= ended.exact;
    if (watch.depth > 0) {
        Watch::Level& outer = watch.levels[watch.depth - 1];
        outer.seen = std::max(outer.seen, ended.seen);
        outer.most = std::max(outer.most, ended.most);
    } else {
        cache.watch = nullptr;
        watched_blocks = nullptr;
    }
    set_fast_path(cache);
}

void forget_watch(ThreadCache& cache) {
    if (!cache.watch_memory) return;
    cache.watch_memory->depth = 0;
    cache.watch_memory->exact_levels = 0;
    cache.watch_memory->thread = 0;
    cache.watch = nullptr;
    watched_blocks = nullptr;
    set_fast_path(cache);
}

void note_refill(ThreadCache& cache, SizeClass c) {
    take(cache, (objects_in(cache.bins[c]) + 1) * kSizeClasses[c].size);
}

void note_object(ThreadCache& cache, SizeClass c) {
    take(cache, kSizeClasses[c].size);
}

void note_watched_block(ThreadCache& cache) {
    const uint64_t before = cache.watch->block_bytes;
    cache.watch->block_bytes = cache.watch->blocks.bytes_allocated;
    take(cache, cache.watch->blocks.bytes_allocated - before);
}

}  // namespace tarn
