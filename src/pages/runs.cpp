// SPDX-License-Identifier: MIT
// The supply of runs. `state.lock` guards everything here. Memory is returned outside the lock: the units are
// then neither free nor taken, so nobody touches them.
#include "pages/runs.h"

#include <algorithm>

#include "base/lock.h"
#include "base/missed.h"
#include "base/options.h"
#include "base/os.h"
#include "pages/pages.h"
#include "pages/unit_bits.h"

namespace tarn {

namespace {

constexpr size_t kStepUnits = 64;   // units committed at a time, at least: 1 MiB
constexpr size_t kPurgeBatch = 32;  // ranges returned per turn of the lock
constexpr size_t kMissedMost = 3;   // times the floor of the dirty limit

struct Range {
    size_t unit, length;
};

struct State {
    Lock lock;
    size_t committed = 0;   // units that exist; those beyond were never touched
    size_t in_use = 0;      // units taken
    size_t dirty = 0;       // units dirty
    size_t returned = 0;    // units given back to the OS, ever
    Missed missed;          // in units
    size_t spare = 0;       // fewest dirty units there were since the last look at `missed`
    size_t freed = 0;       // units freed since then
    size_t low = 0;         // no free unit below
    size_t torn_below = 0;  // after a fork: units below may have been touched though not yet committed here
};
constinit State state;

UnitMap units() {
    return {unit_bits(), state.committed};
}

size_t dirty_floor() {
    return options.dirty >> kUnitShift;
}

size_t dirty_limit() {
    return std::max(dirty_floor(), state.in_use / 8) + state.missed.worth_keeping();
}

// Half of what stayed dirty all the while that twice the limit was freed is not worth keeping.
void give_up_spare(size_t freed) {
    state.freed += freed;
    if (state.freed < 2 * dirty_limit()) return;
    state.missed.not_needed(state.spare / 2);
    state.spare = state.dirty;
    state.freed = 0;
}

// More units at the end, free and never touched; the free units before them count towards `wanted`.
bool grow(size_t wanted) {
    size_t tail = 0;
    while (tail < state.committed && tail < wanted && units().free(state.committed - 1 - tail))
        ++tail;
    size_t step =
        state.committed / 8 > kStepUnits ? state.committed / 8 / kStepUnits * kStepUnits : kStepUnits;
    for (size_t more : {step, wanted - tail}) {
        if (more < wanted - tail) continue;
        size_t target = state.committed + more;
        if (target > window_units()) target = window_units();
        if (target < state.committed + wanted - tail) return false;
        if (!commit_units(state.committed, target)) continue;
        const size_t first = state.committed;
        state.committed = target;
        for (size_t unit = first; unit < target; ++unit) {
            // What another thread had begun when this process was forked off is nobody's now.
            set_entries(unit, 1, 0);
            units().clear(unit, 1);
            units().set(unit, 1, unit < state.torn_below ? UnitKind::kDirty : UnitKind::kFree);
            if (unit < state.torn_below) ++state.dirty;
        }
        return true;
    }
    return false;
}

size_t find_run(size_t length) {
    if (state.dirty >= length) {
        const size_t unit = units().find(UnitKind::kDirty, length, state.low);
        if (unit != UnitMap::kNone) return unit;
    }
    return units().find(UnitKind::kFree, length, state.low);
}

// Takes the highest dirty ranges out of the books until `target` dirty units are left.
size_t collect_dirty(Range* ranges, size_t target) {
    size_t count = 0;
    size_t end = state.committed;
    while (count < kPurgeBatch && state.dirty > target) {
        const size_t last = units().last_dirty(end);
        if (last == UnitMap::kNone) break;
        size_t first = last;
        while (first > 0 && units().dirty(first - 1) && state.dirty - (last - first + 1) > target)
            --first;
        const size_t length = last - first + 1;
        units().clear(first, length);
        state.dirty -= length;
        ranges[count++] = {first, length};
        end = first;
    }
    return count;
}

// Returns dirty memory until `target` dirty units are left; the lock is held on entry and on return, and
// free in between. The number of units returned.
size_t purge_to(size_t target) {
    size_t total = 0;
    for (;;) {
        Range ranges[kPurgeBatch];
        const size_t count = collect_dirty(ranges, target);
        if (count == 0) return total;
        state.lock.unlock();
        bool refused[kPurgeBatch];
        for (size_t i = 0; i < count; ++i)
            refused[i] = !os::purge(unit_address(ranges[i].unit), ranges[i].length << kUnitShift);
        state.lock.lock();
        size_t gone = 0;
        for (size_t i = 0; i < count; ++i) {
            units().set(ranges[i].unit, ranges[i].length, refused[i] ? UnitKind::kDirty : UnitKind::kFree);
            if (refused[i])
                state.dirty += ranges[i].length;
            else
                gone += ranges[i].length;
            if (ranges[i].unit < state.low) state.low = ranges[i].unit;
        }
        state.returned += gone;
        state.missed.returned(gone);
        total += gone;
        if (gone == 0) return total;  // the kernel will not have it: do not ask again and again
    }
}

}  // namespace

Run take_run(size_t length, RunUse use) {
    Guard guard(state.lock);
    size_t unit = find_run(length);
    if (unit == UnitMap::kNone) {
        if (!grow(length)) return {};
        unit = find_run(length);
        if (unit == UnitMap::kNone) return {};
    }
    const size_t dirty = units().count_dirty(unit, length);
    units().clear(unit, length);
    state.dirty -= dirty;
    state.in_use += length;
    if (state.dirty < state.spare) state.spare = state.dirty;
    state.missed.asked(length - dirty, kMissedMost * dirty_floor());
    if (unit == state.low) state.low = unit + length;
    if (use == RunUse::kBlock) set_entries(unit, length, kBlockEntry);
    return {unit_address(unit), dirty == 0};
}

void give_run(void* at, size_t length) {
    const size_t unit = unit_of(at);
    Guard guard(state.lock);
    set_entries(unit, length, 0);
    units().set(unit, length, UnitKind::kDirty);
    state.in_use -= length;
    state.dirty += length;
    if (unit < state.low) state.low = unit;
    give_up_spare(length);
    const size_t limit = dirty_limit();
    if (state.dirty > limit) purge_to(limit - limit / 8);
}

size_t trim_runs() {
    Guard guard(state.lock);
    return purge_to(0) << kUnitShift;
}

size_t shrink_region() {
    Guard guard(state.lock);
    size_t first = state.committed;
    while (first > 0 && units().free(first - 1))
        --first;
    const size_t page_units = kStepUnits;  // whole steps, so that every page size divides them
    first = (first + page_units - 1) / page_units * page_units;
    if (first >= state.committed || !uncommit_units(first, state.committed)) return 0;
    const size_t gone = state.committed - first;
    for (size_t unit = first; unit < state.committed; ++unit)
        state.dirty -= units().dirty(unit);
    units().clear(first, gone);
    state.committed = first;
    if (state.low > first) state.low = first;
    return gone << kUnitShift;
}

RunStats run_stats() {
    ReportGuard guard(state.lock);
    return {reserved_bytes(), state.committed << kUnitShift, state.in_use << kUnitShift,
            state.dirty << kUnitShift, state.returned << kUnitShift};
}

size_t committed_units() {
    return state.committed;
}

void reset_runs_lock() {
    state.lock.reset();
}

void rebuild_runs() {
    state.torn_below = state.committed + state.committed / 8 + 2 * kStepUnits;
    state.in_use = state.dirty = state.low = 0;
    for (size_t unit = 0; unit < state.committed; ++unit) {
        units().clear(unit, 1);
        if (entry_of(unit)) {
            ++state.in_use;
        } else {
            units().set(unit, 1, UnitKind::kDirty);
            ++state.dirty;
        }
    }
}

}  // namespace tarn
