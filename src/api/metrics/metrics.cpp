// SPDX-License-Identifier: MIT
// Scopes of metrics.h: two readings of the thread's counters, and the level of its watch (watch.h).
#include "api/metrics/metrics.h"

#include <errno.h>

#include <new>

#include "api/metrics/watch.h"
#include "process/thread.h"

namespace tarn {

namespace {

constexpr size_t kHeader = offsetof(tarn_metrics, scopes);

struct Scope {
    Watch* watch;
    uint64_t level, serial;
    ThreadTotals start;
};
static_assert(sizeof(Scope) <= sizeof(tarn_metrics_scope) && alignof(Scope) <= alignof(tarn_metrics_scope));

const Scope& inside(const tarn_metrics_scope& scope) {
    return *reinterpret_cast<const Scope*>(&scope);
}

bool is_open(const Scope& scope) {
    const Watch* const watch = open_watch(*current_cache);
    return watch && watch == scope.watch && scope.level < watch->depth &&
           watch->levels[scope.level].serial == scope.serial;
}

tarn_metrics difference(const ThreadTotals& start, const ThreadTotals& end) {
    tarn_metrics result{};
    result.version = TARN_METRICS_VERSION;
    result.threads = 1;
    result.scopes = 1;
    result.small_allocations = end.small_allocations - start.small_allocations;
    result.large_allocations = end.large_allocations - start.large_allocations;
    result.large_frees = end.large_frees - start.large_frees;
    result.frees = end.small_frees - start.small_frees + result.large_frees;
    result.bytes_allocated = end.bytes_allocated - start.bytes_allocated;
    result.bytes_freed = end.bytes_freed - start.bytes_freed;
    result.fresh = end.fresh - start.fresh;
    result.remote_frees = end.remote_frees - start.remote_frees;
    derive(result);
    return result;
}

}  // namespace

void derive(tarn_metrics& m) {
    if (m.fresh > m.small_allocations) m.fresh = m.small_allocations;
    m.reused = m.small_allocations - m.fresh;
    m.allocations = m.small_allocations + m.large_allocations;
    m.live_objects = static_cast<int64_t>(m.allocations - m.frees);
    m.live_bytes = static_cast<int64_t>(m.bytes_allocated - m.bytes_freed);
    m.pool_hit_rate =
        m.small_allocations ? static_cast<double>(m.reused) / static_cast<double>(m.small_allocations) : 0;
}

void add_counts(tarn_metrics& sum, const tarn_metrics& more) {
    sum.scopes += more.scopes;
    sum.small_allocations += more.small_allocations;
    sum.large_allocations += more.large_allocations;
    sum.large_frees += more.large_frees;
    sum.frees += more.frees;
    sum.bytes_allocated += more.bytes_allocated;
    sum.bytes_freed += more.bytes_freed;
    sum.fresh += more.fresh;
    sum.remote_frees += more.remote_frees;
    derive(sum);
}

bool measure_scope(const tarn_metrics_scope& opaque, tarn_metrics& result) {
    const Scope& scope = inside(opaque);
    if (!is_open(scope)) return false;
    result = difference(scope.start, sample_watch(*current_cache));
    const Watch& watch = *scope.watch;
    const int64_t base = watch.levels[scope.level].base;
    for (uint64_t i = scope.level; i < watch.depth; ++i) {
        const auto seen = static_cast<uint64_t>(watch.levels[i].seen - base);
        const auto most = static_cast<uint64_t>(watch.levels[i].most - base);
        // An inner level may have begun, and stayed, below the base.
        if (watch.levels[i].seen > base && seen > result.peak_bytes) result.peak_bytes = seen;
        if (watch.levels[i].most > base && most > result.peak_bytes_most) result.peak_bytes_most = most;
    }
    return true;
}

void end_scope(tarn_metrics_scope& scope) {
    Watch& watch = *inside(scope).watch;
    for (const uint64_t level = inside(scope).level; watch.depth > level;)
        close_level(*current_cache);
}

uint64_t scope_thread() {
    return open_watch(*current_cache)->thread;
}

int invalid_argument() {
    errno = EINVAL;
    return -1;
}

int check_target(const tarn_metrics* result, size_t size) {
    return !result || size < kHeader ? invalid_argument() : 0;
}

void copy_out(const tarn_metrics& metrics, tarn_metrics* result, size_t size) {
    const size_t known = size < sizeof metrics ? size : sizeof metrics;
    __builtin_memcpy(result, &metrics, known);
    __builtin_memset(reinterpret_cast<char*>(result) + known, 0, size - known);
}

}  // namespace tarn

int tarn_metrics_begin(tarn_metrics_scope* scope, enum tarn_metrics_mode mode) {
    using namespace tarn;
    if (!scope || (mode != TARN_METRICS_SAMPLED && mode != TARN_METRICS_EXACT)) return invalid_argument();
    ThreadCache* const cache = enter_thread();
    Scope made{};
    if (!cache || !open_level(*cache, mode == TARN_METRICS_EXACT, made.start)) {
        errno = ENOMEM;
        return -1;
    }
    made.watch = open_watch(*cache);
    made.level = made.watch->depth - 1;
    made.serial = made.watch->levels[made.level].serial;
    new (scope) Scope(made);
    return 0;
}

int tarn_metrics_read(const tarn_metrics_scope* scope, tarn_metrics* result, size_t size) {
    using namespace tarn;
    tarn_metrics now;
    if (!scope || check_target(result, size) < 0 || !measure_scope(*scope, now)) return invalid_argument();
    copy_out(now, result, size);
    return 0;
}

int tarn_metrics_end(tarn_metrics_scope* scope, tarn_metrics* result, size_t size) {
    using namespace tarn;
    tarn_metrics now;
    if (!scope || ((result || size) && check_target(result, size) < 0)) return invalid_argument();
    if (!measure_scope(*scope, now)) return invalid_argument();
    end_scope(*scope);
    if (result) copy_out(now, result, size);
    return 0;
}
