// SPDX-License-Identifier: MIT
// The supply of runs in the child of a fork.
#include "pages/runs.h"

#include "os/os.h"
#include "pages/supply.h"

namespace tarn {

namespace {

// The state of a unit without an entry when nobody else lives. A clean one may have been written to. One that was
// on its way to somebody or back to the kernel is mapped anew, unless this thread may have had it.
UnitState state_after_fork(const Window& window, size_t unit, Transit transit) {
    const UnitState before = window.units().state(unit);
    if (before == UnitState::kClean) return UnitState::kDirty;
    if (before != UnitState::kTaken || transit == Transit::kPerhapsMine) return before;
    return empty_pages(window.begin() + unit * kUnitSize, kUnitSize) ? UnitState::kClean : before;
}

// Each thread that took a unit has written its entry, or will never come to it.
void rebuild(Transit transit) {
    windows.repair();
    supply.in_use = supply.dirty = {};
    Units in_slabs;
    for (Window& window : windows) {
        const UnitMap units = window.units();
        for (size_t unit = kUsableBegin; unit < kUsableEnd; ++unit) {
            const Entry entry = entry_of(window.first_unit() + unit);
            const UnitState state = entry ? UnitState::kTaken : state_after_fork(window, unit, transit);
            units.set(unit, Units{1}, state);
            if (state == UnitState::kTaken && entry != kBlockEntry && entry != kLostEntry)
                in_slabs += Units{1};
        }
        window.count_again();
        supply.dirty += window.dirty;
        supply.in_use += kUsableUnits - window.clean - window.dirty - window.holes;
    }
    supply.in_slabs = in_slabs.count();
}

}  // namespace

void runs_after_fork_child(Others others, Transit transit) {
    // Interrupted by the handler that forks, this thread has the books to itself and goes on with them.
    const bool mine = supply.lock.is_mine();
    supply.lock.reset();
    supply.in_child = true;
    if (!mine && others == Others::kLived) rebuild(transit);
}

}  // namespace tarn
