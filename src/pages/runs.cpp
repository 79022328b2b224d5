// SPDX-License-Identifier: MIT
// The supply of runs. `supply.lock` guards everything here.
#include "pages/runs.h"

#include <algorithm>

#include "base/at_start.h"
#include "base/expect.h"
#include "base/options.h"
#include "os/os.h"
#include "pages/supply.h"

namespace tarn {

constinit Supply supply;
constinit Windows windows;
TARN_WRITTEN_AT_START constinit std::atomic<uint32_t> growths{0};
TARN_WRITTEN_AT_START constinit std::atomic<uint32_t> run_takes{0};
constinit std::atomic<uint32_t> shrinkings{0};

namespace {

constexpr Units kStepUnits = Units{64};  // mapped at a time, at least, a new window's header included
constexpr size_t kInAdvanceShare = 8;    // of the dirty units, for who does not need them yet
constexpr size_t kMissedMost = 3;        // times the floor of the dirty limit

struct Found {
    Window* window = nullptr;
    size_t first = 0;
};

void count_up(std::atomic<uint32_t>& number) {  // with the lock held
    number.store(number.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

// Half of what stayed dirty all the while that twice the limit was freed is not worth keeping.
void give_up_spare(Units freed) {
    supply.freed += freed;
    if (supply.freed < 2 * dirty_limit()) return;
    supply.missed.not_needed(supply.spare / 2);
    supply.spare = supply.dirty;
    supply.freed = {};
}

Found find_run(UnitKind kind, Units length) {
    for (Window& window : windows) {
        const size_t first = window.find(kind, length);
        if (first != UnitMap::kNone) return {&window, first};
    }
    return {};
}

// More units may be mapped.
Units room() {
    if (options.region == 0) return Units{SIZE_MAX};
    const Units most = Units::within(std::max(options.region, size_t{1} << 20));
    return most - min(most, windows.mapped_units());
}

Units whole_pages_up(Units units) {
    const Units page = page_units();
    return (units + page - Units{1}) / page * page;
}

// How many units to map from the window's unit `first` on, where `wanted` are needed and `most` could be.
Units step(size_t first, Units wanted, Units most) {
    const Units generous = to_whole_huge_pages(first, max(kStepUnits, windows.mapped_units() / 8));
    return min(whole_pages_up(max(wanted, min(generous, room()))), most);
}

// The hole that begins here, at least a page, becomes clean as far as `end` is concerned, and somewhat further.
// False: refused. Something that is not ours in the way costs units, which nobody gets.
bool map_hole(Window& window, size_t first, size_t end) {
    const UnitMap units = window.units();
    size_t hole_end = first + 1;
    while (hole_end < kUsableEnd && units.state(hole_end) == UnitState::kHole)
        ++hole_end;
    const Units length{hole_end - first}, page = page_units();
    const Units wanted = min(whole_pages_up(Units{end - first}), length);
    if (wanted > room()) return false;
    for (Units asked = step(first, wanted, length); asked != Units{};) {
        const Mapped mapped = windows.map(window, first, asked);
        if (mapped == Mapped::kYes) return true;
        if (mapped == Mapped::kRefused && asked <= wanted) return false;
        asked = asked > wanted ? wanted : asked / 2 / page * page;
    }
    window.set(first, page, UnitState::kTaken);
    set_entries(window.first_unit() + first, page, kLostEntry);
    return true;
}

// The lowest run that is free though perhaps not mapped, all of it mapped now.
Found map_run(Units length) {
    count_up(growths);
    count_up(run_takes);
    for (Found found; (found = find_run(UnitKind::kAny, length)).window;) {
        const UnitMap units = found.window->units();
        const size_t end = found.first + length.count();
        size_t hole = found.first;
        while (hole < end && units.state(hole) != UnitState::kHole)
            ++hole;
        if (hole == end) return found;
        if (!map_hole(*found.window, hole, end)) return {};
    }
    if (room() < kHeaderUnits + length) return {};
    Window* window = windows.add(step(0, length + kHeaderUnits, kWindowUnits) - kHeaderUnits);
    if (!window) window = windows.add(whole_pages_up(length + kHeaderUnits) - kHeaderUnits);
    return window ? Found{window, window->find(UnitKind::kMapped, length)} : Found{};
}

Found take(Units length) {
    if (supply.dirty >= length)
        if (const Found found = find_run(UnitKind::kDirty, length); found.window) return found;
    if (const Found found = find_run(UnitKind::kMapped, length); found.window) return found;
    return map_run(length);
}

// What is free belongs to nobody, and what is taken to one alone.
bool nobodys(const Window& window, size_t first, Units length) {
    for (size_t unit = first; unit < first + length.count(); ++unit)
        if (window.units().state(unit) == UnitState::kTaken || entry_of(window.first_unit() + unit) != 0)
            return false;
    return true;
}
bool somebodys(const Window* window, size_t unit, Units length) {
    if (!window || length > supply.in_use || unit + length.count() > window->first_unit() + kUsableEnd)
        return false;
    for (size_t i = 0; i < length.count(); ++i)
        if (entry_of(unit + i) != entry_of(unit) || entry_of(unit) == kLostEntry) return false;
    const size_t first = unit - window->first_unit();
    return first >= kUsableBegin && window->units().count(UnitState::kTaken, first, length) == length;
}

// The books say that somebody has it.
Run enter_taken(const Found& found, Units length, RunUse use) {
    expect(found.window, "a run that somebody has already",
           [&] { return nobodys(*found.window, found.first, length); });
    const Units dirty = found.window->set(found.first, length, UnitState::kTaken).dirty;
    supply.dirty -= dirty;
    supply.in_use += length;
    if (supply.dirty < supply.spare) supply.spare = supply.dirty;
    supply.missed.asked(length - dirty, kMissedMost * dirty_floor());
    const size_t unit = found.window->first_unit() + found.first;
    if (use == RunUse::kBlock)
        set_entries(unit, length, kBlockEntry);
    else
        supply.in_slabs += length.count();
    return {unit_address(unit), dirty == Units{}, dirty != Units{}};
}

// One more of the same kind: right behind the last one, where first fit is most likely to find it.
Found take_another(const Found& last, Units length, UnitState kind) {
    const size_t first = last.first + length.count();
    if (first + length.count() <= kUsableEnd && last.window->units().count(kind, first, length) == length)
        return {last.window, first};
    return kind == UnitState::kDirty && supply.dirty >= length ? find_run(UnitKind::kDirty, length) : Found{};
}

void enter_given(const OwnRun& run) {
    const size_t unit = unit_of(run.at);
    Window* const window = windows.of_unit(unit);
    expect(run.at, "a run given that nobody has", [&] { return somebodys(window, unit, run.length); });
    if (entry_of(unit) != kBlockEntry) supply.in_slabs -= run.length.count();
    set_entries(unit, run.length, 0);
    const bool clean = run.zeroed && !run.backed;
    window->set(unit - window->first_unit(), run.length, clean ? UnitState::kClean : UnitState::kDirty);
    supply.in_use -= run.length;
    supply.given += run.length;
    if (supply.given >= max(kStepUnits, supply.in_use / 8)) {
        supply.given = {};
        count_up(shrinkings);
    }
    if (clean) return;
    supply.dirty += run.length;
    give_up_spare(run.length);
}

}  // namespace

size_t take_runs(Units length, RunUse use, Run* runs, size_t most) {
    Guard guard(supply.lock);
    Found found = take(length);
    if (grown_to_huge_pages() && found.window && begins_huge_page(*found.window, found.first, length)) {
        back_with_huge_page(*found.window, found.first + length.count() - 1);
        found = take(length);
    }
    if (!found.window) return 0;
    runs[0] = enter_taken(found, length, use);
    const UnitState kind = runs[0].zeroed ? UnitState::kClean : UnitState::kDirty;
    if (kind == UnitState::kDirty) most = std::min(most, 1 + supply.dirty / kInAdvanceShare / length);
    size_t count = 1;
    for (; count < most && (found = take_another(found, length, kind)).window; ++count)
        runs[count] = enter_taken(found, length, use);
    if (supply.in_slabs > supply.slabs_known.load(std::memory_order_relaxed)) count_up(run_takes);
    return count;
}

// In a child the parent's mappings do not merge with new ones.
bool prefault_pages(void* at, size_t bytes) {
    return !supply.in_child && options.huge_pages != HugePageUse::kAlways && os::prefault(at, bytes);
}

void give_runs(const OwnRun* runs, size_t count) {
    Guard guard(supply.lock);
    for (size_t i = 0; i < count; ++i)
        enter_given(runs[i]);
    purge_beyond_limit();
}

RunStats run_stats() {
    ReportGuard guard(supply.lock);
    const size_t mapped = windows.mapped_units().bytes();
    return {metadata_bytes() + mapped, mapped, supply.in_use.bytes(), supply.dirty.bytes(),
            supply.returned.bytes()};
}

size_t bytes_in_slabs() {
    return Units{supply.in_slabs}.bytes();
}

void tell_of_slabs_beyond(size_t bytes) {
    supply.slabs_known.store(Units::within(bytes).count(), std::memory_order_relaxed);
}

bool runs_are_mine() {
    return supply.lock.is_mine();
}

size_t window_count() {
    return windows.count();
}

UnitRange window_units(size_t window) {
    const size_t first = windows.begin()[window].first_unit();
    return {first + kUsableBegin, first + kUsableEnd};
}

bool in_window(const void* p) {
    ReportGuard guard(supply.lock);
    return windows.of_unit(unit_of(p)) != nullptr;
}

}  // namespace tarn
