// SPDX-License-Identifier: MIT
// Runs: contiguous units of the one reserved region. Lowest address first; neighbours merge; dirty free
// memory is bounded. One lock inside; it is never held over a system call that gives pages back.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn {

inline constexpr size_t kUnitShift = 14;
inline constexpr size_t kUnitSize = size_t{1} << kUnitShift;  // 16 KiB
inline constexpr size_t kRunUnitsMax = 64;                    // 1 MiB

struct Run {
    void* at = nullptr;   // unit-aligned; NULL: no address space or the kernel refused
    bool zeroed = false;  // every byte is known to be zero
};

// What a run is for; kept in the page map so that the state can be rebuilt after a fork.
enum class RunUse : uint8_t { kSlab, kBlock };

[[nodiscard]] Run take_run(size_t units, RunUse use);  // 1..kRunUnitsMax
void give_run(void* at, size_t units);                 // what take_run returned, whole
size_t trim_runs();                                    // returns all dirty free units to the OS; bytes

// When the kernel refuses memory: gives up the free units at the end of the region, so that their share of a
// limit on address space or data serves others. Bytes.
size_t shrink_region();

struct RunStats {
    size_t reserved, committed, in_use, dirty, returned;  // bytes; `returned` is a running total
};
RunStats run_stats();

// Units that exist so far; those that were ever taken are below.
size_t committed_units();

// In the child of a fork made while other threads ran: whoever held the lock is gone, and what it was doing
// may be half seen. The page map says what is taken; everything else is rebuilt from it.
void reset_runs_lock();
void rebuild_runs();

}  // namespace tarn
