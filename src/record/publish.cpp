// SPDX-License-Identifier: MIT
// State: of whoever holds the lock of the record; `due` is read by all.
#include "record/publish.h"

#include "os/os.h"
#include "record/record.h"
#include "record/writing.h"

namespace tarn::record {

namespace {

constexpr uint64_t kApart = 100'000'000;  // ns, at least
constexpr uint64_t kRest = 1000;          // times as long as the quickest of the last few took
constexpr uint64_t kFew = 4;

struct Published {
    std::atomic<uint64_t> due{0};
    uint64_t number = 0;         // of the last snapshot
    uint64_t took[kFew] = {};    // ns, the last few; 0: none yet
    uint64_t line_sequence = 0;  // the higher one of the time lines
    unsigned line = 0;           // its number
    uint64_t last_point = 0;     // ns
};
constinit Published published;

tarn_record_timeline& line(unsigned number) {
    return state.timelines[number].entry<tarn_record_timeline>(0);
}

bool reserve_points(unsigned number, uint64_t points) {
    return state.timelines[number].reserve(offsetof(tarn_record_timeline, points) +
                                           points * sizeof(tarn_record_point));
}

// The entries of a copy are complete when its sequence is even.
void begin_sequence(uint64_t& word, uint64_t sequence) {
    __atomic_store_n(&word, sequence - 1, __ATOMIC_RELAXED);
    std::atomic_thread_fence(std::memory_order_release);
}
void end_sequence(uint64_t& word, uint64_t sequence) {
    __atomic_store_n(&word, sequence, __ATOMIC_RELEASE);
}

void begin_line(unsigned number, uint64_t step) {
    tarn_record_timeline& fresh = line(number);
    published.line_sequence += 2;
    begin_sequence(fresh.sequence, published.line_sequence);
    fresh.step_ns = step;
    fresh.count = 0;
}

// Every second point, in the other copy.
bool halve() {
    const tarn_record_timeline& full = line(published.line);
    const unsigned other = 1 - published.line;
    if (!reserve_points(other, TARN_RECORD_POINTS)) return false;
    begin_line(other, full.step_ns * 2);
    tarn_record_timeline& half = line(other);
    for (uint64_t i = 0; i < TARN_RECORD_POINTS; i += 2)
        half.points[half.count++] = full.points[i];
    end_sequence(half.sequence, published.line_sequence);
    published.line = other;
    return true;
}

void add_point(uint64_t now, const tarn_stats& stats, Why why) {
    if (published.line_sequence == 0) {
        begin_line(0, kApart);
        end_sequence(line(0).sequence, published.line_sequence);
    } else if (now - published.last_point < line(published.line).step_ns && why != Why::kLast) {
        return;
    }
    if (line(published.line).count == TARN_RECORD_POINTS && !halve()) return;
    tarn_record_timeline& current = line(published.line);
    if (!reserve_points(published.line, current.count + 1)) return;
    current.points[current.count] = {.time_ns = now,
                                     .live_small = stats.small_live_bytes,
                                     .live_large = stats.large_live_bytes,
                                     .kept = stats.kept_bytes,
                                     .resident = stats.resident,
                                     .allocations = stats.allocations};
    __atomic_store_n(&current.count, current.count + 1, __ATOMIC_RELEASE);
    published.last_point = now;
}

// One during which the thread lost its processor says nothing of what snapshots take.
uint64_t rest_after_last() {
    uint64_t quickest = UINT64_MAX;
    for (const uint64_t took : published.took)
        if (took < quickest) quickest = took;
    return quickest * kRest > kApart ? quickest * kRest : kApart;
}

}  // namespace

bool is_due(uint64_t now) {
    return now >= published.due.load(std::memory_order_relaxed);
}

bool publish(Why why) {
    if (!state.host->can_read_snapshot()) return false;
    const Writing here;
    const uint64_t begun = os::nanoseconds();
    const uint64_t number = published.number + 1;
    tarn_record_snapshot& copy = state.snapshots.entry<tarn_record_snapshot>(number % 2);
    begin_sequence(copy.sequence, 2 * number);
    copy.time_ns = begun;
    copy.number = number;
    state.host->read_snapshot(copy.stats);
    end_sequence(copy.sequence, 2 * number);
    published.number = number;
    add_point(begun, copy.stats, why);
    published.took[number % kFew] = os::nanoseconds() - begun;
    published.due.store(begun + rest_after_last(), std::memory_order_relaxed);
    return true;
}

void forget_published() {
    published.due.store(0, std::memory_order_relaxed);
    published.number = published.line_sequence = published.last_point = 0;
    published.line = 0;
    for (uint64_t& took : published.took)
        took = 0;
}

}  // namespace tarn::record
