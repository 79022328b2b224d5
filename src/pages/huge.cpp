// SPDX-License-Identifier: MIT
// Huge pages for small objects that become more and more. A page fault for each page costs far more where the kernel or a
// hypervisor keeps books of each; a huge page has one for all. It comes at once, so it comes only where so much is in use
// that what may not be needed of it is little. Afterwards the range is as it was, never huge: what goes back of it goes in
// pieces, what is wanted again comes in ordinary pages, and the kernel does not fill it up on its own.
#include "base/options.h"
#include "os/os.h"
#include "pages/runs.h"
#include "pages/supply.h"

namespace tarn {

namespace {

size_t huge_page_of(size_t unit) {
    return unit / kHugeUnits.count() * kHugeUnits.count();
}

// Before Linux 5.8 what parent and child share would be copied by the huge page.
bool may_have() {
    return options.huge_pages == HugePageUse::kDenseBlocks && os::page_size() == os::kPageSize &&
           os::kernel_is(5, 8);
}

}  // namespace

Units to_whole_huge_pages(size_t first, Units length) {
    if (!grown_to_huge_pages()) return length;
    return Units{round_up(first + length.count(), kHugeUnits.count()) - first};
}

bool begins_huge_page(const Window& window, size_t first, Units length) {
    if (!may_have()) return false;
    const size_t begin = huge_page_of(first + length.count() - 1);
    return window.units().count(UnitState::kClean, begin, kHugeUnits) == kHugeUnits;
}

// Taken out of the books meanwhile, as what goes back is. Whoever finds that there are none to be had asks again when
// twice as much is in use.
void back_with_huge_page(Window& window, size_t unit) {
    const size_t begin = huge_page_of(unit);
    window.set(begin, kHugeUnits, UnitState::kTaken);
    const size_t first = window.first_unit() + begin;
    supply.lock.unlock();
    bool backed;
    {
        const os::UnlistedCall may;
        backed = may && !os::is_sandboxed() && os::back_with_huge_page(unit_address(first));
    }
    supply.lock.lock();
    windows.of_unit(first)->set(begin, kHugeUnits, backed ? UnitState::kDirty : UnitState::kClean);
    if (backed)
        supply.dirty += kHugeUnits;
    else
        supply.huge_from = 2 * supply.in_use;
}

}  // namespace tarn
