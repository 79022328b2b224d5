// SPDX-License-Identifier: MIT
// Runs: contiguous units of the windows (page_map.h). Lowest address first; neighbours merge; dirty free
// memory is bounded. One lock inside; it is never held over a system call that gives memory back.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "pages/units.h"

namespace tarn {

inline constexpr Units kRunUnitsMax = Units{64};  // 1 MiB

struct Run {
    void* at = nullptr;   // unit-aligned; NULL: no address space or the kernel refused
    bool zeroed = false;  // every byte is known to be zero
    bool backed = false;  // as far as is known all of its pages have memory
};

// What a run is for; kept in the page map so that the state can be rebuilt after a fork.
enum class RunUse : uint8_t { kSlab, kBlock };

// How often memory was mapped that nobody had; and how often that was so, or more was taken for slabs than was said to be
// of no interest.
extern std::atomic<uint32_t> growths, run_takes;
// Counts up as often as so much was given back: an eighth of what is taken, and 1 MiB at least.
extern std::atomic<uint32_t> shrinkings;

// Runs of this length, 1..kRunUnitsMax, at one hold of the lock; how many there are. The first is the lowest that was
// used before, or else the lowest; the others are what would come next, while that is as dirty or as clean, and no more
// of the dirty ones than an eighth: in advance nobody gets clean memory while there is dirty, nor what others may miss.
[[nodiscard]] size_t take_runs(Units length, RunUse use, Run* runs, size_t most);
[[nodiscard]] inline Run take_run(Units length, RunUse use) {
    Run run;
    return take_runs(length, use, &run, 1) ? run : Run{};
}

// Pages of a run that nobody has touched get their memory now. False, and they stand as they were: the kernel refuses; or
// it is the child of a fork, where it would cost mappings of the kernel's, or huge pages are wanted.
bool prefault_pages(void* at, size_t bytes);

// Runs that were taken, each whole, at one hold of the lock.
struct OwnRun {
    void* at = nullptr;
    PackedUnits<uint32_t> length;
    bool zeroed = false;  // every byte still is
    bool backed = false;  // even so, its pages have memory
};
void give_runs(const OwnRun* runs, size_t count);
inline void give_run(void* at, Units length) {
    const OwnRun run{at, PackedUnits<uint32_t>{length}};
    give_runs(&run, 1);
}

// Gives what is free back to the kernel, memory and address space, but for so many units at most. A caller that
// keeps some is short of address space.
struct Returned {
    size_t memory;         // bytes that may have been resident
    size_t address_space;  // bytes, those included
};
Returned trim_runs(Units keep = {});

struct RunStats {
    size_t reserved, committed, in_use, dirty, returned;  // bytes; `returned` is a running total
};
RunStats run_stats();
// Now, in runs for slabs; waits for nobody.
size_t bytes_in_slabs();
// More than so many bytes in slabs are of interest.
void tell_of_slabs_beyond(size_t bytes);

// The windows there are, for a walk over all units; units are numbered from address 0 on.
struct UnitRange {
    size_t first, end;
};
size_t window_count();
UnitRange window_units(size_t window);
// Whether p lies in one, mapped or not.
bool in_window(const void* p);

// This thread is a signal handler over a call of one of the above.
bool runs_are_mine();

// Dies where units, what is counted of them and the page map do not agree. At any time, by any thread.
void check_runs();

// For the child of a fork. Where other threads lived, the one that held the lock is gone, and its work may be
// half seen: the page map says what is taken, and everything else is rebuilt from it. The forking thread
// may be a signal handler over a call that has taken a run and not said so yet.
enum class Others : bool { kNone, kLived };
enum class Transit : bool { kNobodys, kPerhapsMine };
void runs_after_fork_child(Others others, Transit transit);

}  // namespace tarn
