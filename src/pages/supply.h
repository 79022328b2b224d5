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
// With the lock held, which is free in between: what is dirty beyond the limit goes back (purge.cpp).
void purge_beyond_limit();

// With the lock held: what one window counts is what its bits say; NULL, or what is not.
const char* fault_of(const Window& window);

}  // namespace tarn
