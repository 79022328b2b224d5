// SPDX-License-Identifier: MIT
// Whether the bits of units, what is counted of them and the page map say the same.
#include "base/message.h"
#include "pages/supply.h"

namespace tarn {

namespace {

// What a walk over the units of all windows finds.
struct Checked {
    Units dirty, entries, slabs, lost, mapped;
};

bool has_page_bits(const Window& window, size_t unit) {
    return *page_bits_of(window.begin() + unit * kUnitSize) != 0;
}

// Whoever has taken a unit writes its entry afterwards, and it is cleared before the unit is free.
const char* fault_of_unit(const Window& window, size_t unit, Checked& found) {
    const Entry entry = entry_of(window.first_unit() + unit);
    if (window.units().state(unit) != UnitState::kTaken) {
        if (entry != 0) return "a unit that somebody has is free";
        return has_page_bits(window, unit) ? "a free unit with holes in its pages" : nullptr;
    }
    if (entry > 0 && entry != kBlockEntry && entry != kOrphanEntry && entry != kLostEntry &&
        entry != kMixedEntry && entry != kSampledEntry)
        return "a unit with an entry that nobody has";
    if (entry == kLostEntry)
        found.lost += Units{1};
    else if (entry != 0)
        found.entries += Units{1};
    if (entry != 0 && entry != kLostEntry && entry != kBlockEntry) found.slabs += Units{1};
    return nullptr;
}

// Runs of that length were not found when they were last looked for, and none has come since.
const char* fault_of_searches(const Window& window) {
    for (int kind = 0; kind < kUnitKinds; ++kind) {
        const Units none = window.none[kind];
        if (none <= kWindowUnits && window.units().find(static_cast<UnitKind>(kind), none) != UnitMap::kNone)
            return "a window that has a run it is said not to have";
    }
    return nullptr;
}

void check_window(const Window& window, Checked& found) {
    const char* fault = fault_of(window);
    if (!fault) fault = fault_of_searches(window);
    if (fault) die(Fault::kInternal, window.begin(), fault);
    for (size_t unit = kUsableBegin; unit < kUsableEnd; ++unit)
        if (const char* of_unit = fault_of_unit(window, unit, found))
            die(Fault::kInternal, window.begin() + unit * kUnitSize, of_unit);
    found.dirty += window.dirty;
    found.mapped += kWindowUnits - window.holes;
}

// What no run has and the kernel would not map may count as mapped, as it does after a fork.
const char* fault_of_totals(const Checked& found) {
    if (found.dirty != supply.dirty) return "dirty units are not what is counted";
    if (found.entries > supply.in_use) return "more units have somebody than are taken";
    if (found.slabs.bytes() > bytes_in_slabs()) return "more units are in slabs than are counted";
    const Units counted = windows.mapped_units();
    if (counted > found.mapped || counted + found.lost < found.mapped)
        return "mapped units are not what is counted";
    return nullptr;
}

}  // namespace

const char* fault_of(const Window& window) {
    const UnitMap units = window.units();
    if (window.clean != units.count(UnitState::kClean, kUsableBegin, kUsableUnits))
        return "clean units of a window";
    if (window.dirty != units.count(UnitState::kDirty, kUsableBegin, kUsableUnits))
        return "dirty units of a window";
    if (window.holes != units.count(UnitState::kHole, kUsableBegin, kUsableUnits)) return "holes of a window";
    return nullptr;
}

void check_runs() {
    if (supply.lock.is_mine()) return;
    const Guard guard(supply.lock);
    Checked found;
    const Window* before = nullptr;
    for (const Window& window : windows) {
        if (before && before->number >= window.number)
            die(Fault::kInternal, window.begin(), "windows out of order");
        if (window.first_unit() + kUsableEnd > page_table_end)
            die(Fault::kInternal, window.begin(), "a window beyond the page map");
        check_window(window, found);
        before = &window;
    }
    if (const char* fault = fault_of_totals(found)) die(Fault::kInternal, &supply, fault);
}

}  // namespace tarn
