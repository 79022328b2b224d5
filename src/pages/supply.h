// SPDX-License-Identifier: MIT
// What the supply of runs knows, behind its lock; for runs.cpp and purge.cpp, and for check.cpp, which compares.
#pragma once
#include <atomic>

#include "base/missed.h"
#include "base/options.h"
#include "base/published.h"
#include "os/lock.h"
#include "os/os.h"
#include "pages/windows.h"

namespace tarn {

// Of the kernel's mappings per process runs may use a twelfth; `map` uses as much, or twice that under
// pressure: a quarter in all. Beyond, what is returned keeps its address space. How many there are is asked
// when it begins to matter.
inline constexpr size_t kUsualMappings = 65530;
inline constexpr size_t kMappingsShare = 12;

struct Supply {
    Lock lock{LockRank::kRuns};
    Units in_use;                        // taken
    Published in_slabs;                  // of these, units for slabs
    std::atomic<size_t> slabs_known{0};  // how many of these are of no interest; without the lock
    Units dirty;
    Units given;     // since `shrinkings` was counted up
    Units returned;  // given back to the OS, ever
    Missed<Units> missed;
    Units spare;               // fewest dirty ones there were since the last look at `missed`
    Units freed;               // since then
    Units refused;             // dirty ones that the kernel would not take; not asked again for few more
    uint64_t pieces_went = 0;  // os::ticks() when pieces went back
    uint64_t pieces_took = 0;  // ticks, then
    Units look_again;          // dirty ones, from where on something may have come to lie together
    size_t mappings_most = kUsualMappings / kMappingsShare;
    bool mappings_known = false;
    Units huge_from;        // units in use, before huge pages are asked for again
    bool in_child = false;  // of a fork; changes while no other thread lives
};
[[gnu::visibility("hidden")]] extern Supply supply;
[[gnu::visibility("hidden")]] extern Windows windows;

// Of the kernel's pages, which may be larger than a unit. Holes are whole pages.
inline Units page_units() {
    return Units::holding(os::page_size());
}
inline Units dirty_floor() {
    return Units::within(options.dirty);
}
// So many units may be dirty.
inline Units dirty_limit() {
    return max(dirty_floor() + supply.missed.worth_keeping(), supply.in_use / 8) + supply.refused;
}
// Huge pages (huge.cpp): of a run about to be taken, which lies in one of which all is clean. Where so many are in use that
// one more is little beside them.
inline constexpr Units kHugeUnits = Units::within(os::kHugePage);
inline constexpr size_t kHugeInUseLeast = 16;
inline bool grown_to_huge_pages() {
    return supply.in_use >= max(kHugeInUseLeast * kHugeUnits, supply.huge_from);
}
bool begins_huge_page(const Window& window, size_t first, Units length);
// It gets all its memory, and is dirty then. With the lock held, which is free in between: windows may move.
void back_with_huge_page(Window& window, size_t unit);
// How much to map from the window's unit `first` on instead of `length`, so that none is cut.
Units to_whole_huge_pages(size_t first, Units length);

// With the lock held, which is free in between: what is dirty beyond the limit goes back (purge.cpp).
void purge_beyond_limit();

// With the lock held: what one window counts is what its bits say; NULL, or what is not.
const char* fault_of(const Window& window);

}  // namespace tarn
