// SPDX-License-Identifier: MIT
// Free runs that go back to the kernel. Their units are then neither free nor taken, so nobody touches them while the
// lock is not held.
#include <algorithm>

#include "os/os.h"
#include "os/ticks.h"
#include "pages/runs.h"
#include "pages/supply.h"

namespace tarn {

namespace {

constexpr size_t kPurgeBatch = 16;       // stretches returned per turn of the lock
constexpr Units kPieceUnits = Units{8};  // 128 KiB
constexpr size_t kPieceTurns = 4;        // for pieces, each time
constexpr uint64_t kPatience = 16;
constexpr size_t kAskFrom = 1024;  // mappings: how many the kernel allows

struct Stretch {  // in two words: there is an array of them on the stack
    size_t unit;
    PackedUnits<uint16_t> length;
    bool dirty = false;    // some of it
    bool cuts = false;     // a mapping in two, if it is unmapped
    bool refused = false;  // by the kernel
};

// Whole pages of the kernel's, which may be larger than a unit.
Stretch whole_pages(size_t first, size_t end) {
    const size_t page = page_units().count();
    const size_t from = (first + page - 1) / page * page;
    const size_t to = end / page * page;
    return {from, PackedUnits<uint16_t>{Units{to > from ? to - from : 0}}};
}

// Of all windows.
Units units_of(UnitKind kind) {
    if (kind == UnitKind::kDirty) return supply.dirty;
    Units total;
    for (const Window& window : windows)
        total += window.count(kind);
    return total;
}

// What is to go back: the highest stretches of this kind that have `least` units, until all windows together have
// `target` such units left.
struct Wanted {
    UnitKind kind;
    Units target, least = Units{1};
};

// Takes those of one window out of the books.
size_t collect_from(Window& window, const Wanted& wanted, Stretch* stretches, size_t count) {
    const UnitMap units = window.units();
    const UnitKind kind = wanted.kind;
    for (size_t end = kUsableEnd; count < kPurgeBatch;) {
        const size_t last = units.last(kind, end);
        const Units there = units_of(kind);
        if (last == UnitMap::kNone || there <= wanted.target) break;
        const Units most = there - wanted.target;
        size_t first = last;
        while (Units{last - first + 1} < most && units.last(kind, first) == first - 1)
            --first;
        end = first;
        const Stretch stretch = whole_pages(first, last + 1);
        if (stretch.length < wanted.least) continue;
        const bool cuts = window.is_inside_mapping(stretch.unit, stretch.length);
        const Units dirty = window.set(stretch.unit, stretch.length, UnitState::kTaken).dirty;
        supply.dirty -= dirty;
        stretches[count++] = {window.first_unit() + stretch.unit, stretch.length, dirty != Units{}, cuts};
    }
    return count;
}

size_t collect(const Wanted& wanted, Stretch* stretches) {
    size_t count = 0;
    for (Window* window = windows.end(); window != windows.begin() && count < kPurgeBatch;) {
        --window;
        if (window->count(wanted.kind) >= wanted.least)
            count = collect_from(*window, wanted, stretches, count);
    }
    return count;
}

// Enters in the books what became of a stretch. True when it was returned.
bool enter(Stretch stretch, bool unmapped) {
    Window& window = *windows.of_unit(stretch.unit);
    const size_t first = stretch.unit - window.first_unit();
    if (stretch.refused && stretch.dirty) {
        window.set(first, stretch.length, UnitState::kDirty);
        supply.dirty += stretch.length;
    } else if (!stretch.refused && unmapped) {
        windows.unmapped(window, first, stretch.length);
    } else {
        window.set(first, stretch.length, UnitState::kClean);
    }
    return !stretch.refused;
}

// So many stretches may be unmapped, each of which may cut a mapping in two.
bool mappings_allow(size_t stretches) {
    if (!supply.mappings_known && windows.mappings() >= kAskFrom) {
        supply.mappings_known = true;
        if (const size_t most = os::mappings_most()) supply.mappings_most = most / kMappingsShare;
    }
    return windows.mappings() + stretches < supply.mappings_most;
}

bool give_back(const Stretch& stretch, bool cuts_allowed) {
    char* const at = unit_address(stretch.unit);
    const size_t bytes = stretch.length.bytes();
    if (cuts_allowed || !stretch.cuts) return os::unmap_exactly(at, bytes);
    return stretch.dirty && os::discard(at, bytes);
}

struct Purged {
    Units gone;
    bool refused = false;  // all that was left
};

// Returns free memory, in so many turns at most; the lock is held on entry and on return, and free in between.
Purged purge(const Wanted& wanted, size_t turns = SIZE_MAX) {
    Purged purged;
    for (; turns > 0; --turns) {
        Stretch stretches[kPurgeBatch];
        const size_t count = collect(wanted, stretches);
        if (count == 0) break;
        const bool cuts_allowed = mappings_allow(count);
        supply.lock.unlock();
        for (size_t i = 0; i < count; ++i)
            stretches[i].refused = !give_back(stretches[i], cuts_allowed);
        supply.lock.lock();
        Units gone;
        for (size_t i = 0; i < count; ++i)
            if (enter(stretches[i], cuts_allowed || !stretches[i].cuts)) gone += stretches[i].length;
        purged.gone += gone;
        purged.refused = gone == Units{};
        if (purged.refused) break;  // the kernel will not have it: do not ask again and again
    }
    return purged;
}

void enter_purged(const Purged& purged, Units target) {
    supply.returned += purged.gone;
    supply.missed.returned(purged.gone);
    // The kernel will refuse at the next free what it refuses now.
    supply.refused = purged.refused && supply.dirty > target ? supply.dirty - target : Units{};
}

void purge_dirty(Units target) {
    enter_purged(purge({UnitKind::kDirty, target}), target);
}

}  // namespace

// What lies together goes back at once. Pieces cost a call each, and page faults when they are wanted again: they wait
// sixteen times as long as the last ones took, while they are no more than a quarter of what is in use. Until then they may
// have merged.
void purge_beyond_limit() {
    const Units limit = dirty_limit(), target = limit - limit / 8;
    if (supply.dirty <= limit) return;
    const bool early = supply.dirty <= limit + supply.in_use / 4 &&
                       os::ticks() - supply.pieces_went < kPatience * supply.pieces_took;
    if (early && supply.dirty < supply.look_again) return;
    Purged purged = purge({UnitKind::kDirty, target, kPieceUnits});
    if (!early && !purged.refused && supply.dirty > limit) {
        const uint64_t begun = os::ticks();
        const Purged pieces = purge({UnitKind::kDirty, target}, kPieceTurns);
        supply.pieces_went = os::ticks();
        supply.pieces_took = supply.pieces_went - std::min(begun, supply.pieces_went);
        purged = {purged.gone + pieces.gone, pieces.refused};
    }
    enter_purged(purged, target);
    supply.look_again = supply.dirty + limit / 16;
}

Returned trim_runs(Units keep) {
    Guard guard(supply.lock);
    const Units dirty = supply.dirty, mapped = windows.mapped_units();
    supply.refused = supply.huge_from = {};
    purge_dirty(keep);
    Returned result{(dirty - min(dirty, supply.dirty)).bytes(), 0};
    if (supply.refused == Units{}) purge({UnitKind::kMapped, keep});
    for (Window* window = windows.end(); window != windows.begin();)
        if ((--window)->all_holes()) windows.remove(*window);
    const Units now = windows.mapped_units();
    result.address_space = (mapped - min(mapped, now)).bytes();
    if (keep != Units{}) result.address_space += shrink_metadata();
    return result;
}

}  // namespace tarn
