// SPDX-License-Identifier: MIT
// The reserved region and its page map.
//
//   reservation:  | entries, 4 B a unit | records, 64 B a unit | bits, 2 a unit |  units, 16 KiB each ... |
//                                                                              ^ base           window ->
//
// "Is it ours?" is one subtraction and one compare: unit_of(p) < page_map.units. The entry of a unit says who
// has it: 0 nobody, kBlockEntry a block of the backend `map`, else the owner's tag and the class code
// of a slab, the same in every unit of the slab.
//
// Who writes an entry: the thread that took the run, until it gives the run back. Readers that hold a live
// object of the run read a stable entry.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "pages/runs.h"

namespace tarn {

inline constexpr unsigned kTagShift = 12;  // an entry is heap id << kTagShift | class code
inline constexpr uint32_t kCodeMask = (uint32_t{1} << kTagShift) - 1;
inline constexpr uint32_t kBlockEntry = 0xffffe000;  // an id no heap has
inline constexpr uint32_t kNoTag = 0xfffff000;       // matches no entry, in the low bits neither
inline constexpr size_t kRecordSize = 64;

struct PageMap {
    uintptr_t base = 0;  // first byte of unit 0
    size_t units =
        0;  // that have an entry; grows with the region, 0 until it exists: every pointer is outside
    std::atomic<uint32_t>* entries = nullptr;
    char* records = nullptr;
};
// `units` grows with the lock of runs.cpp held, the rest is written once, at start. The fast path reads
// `units` without that lock, and plainly, since an atomic load costs an instruction: whoever holds a pointer
// into the region has seen the growth that made it.
extern PageMap page_map;

// At least page_map.units when p is outside.
inline size_t unit_of(const void* p) {
    return (reinterpret_cast<uintptr_t>(p) - page_map.base) >> kUnitShift;
}
inline void* unit_address(size_t unit) {
    return reinterpret_cast<void*>(page_map.base + (unit << kUnitShift));
}
inline uint32_t entry_of(size_t unit) {
    return page_map.entries[unit].load(std::memory_order_relaxed);
}
// 0 for every address outside.
inline uint32_t entry_at(const void* p) {
    const size_t unit = unit_of(p);
    return unit < page_map.units ? entry_of(unit) : 0;
}
inline void set_entries(size_t unit, size_t units, uint32_t entry) {
    for (size_t i = 0; i < units; ++i)
        page_map.entries[unit + i].store(entry, std::memory_order_relaxed);
}
// 64 bytes for whoever holds the run that starts at this unit; zero before their first use.
inline void* record_of(size_t unit) {
    return page_map.records + unit * kRecordSize;
}

// Reserves the region, sized to the machine and its limits; called once, before any take_run. Without one,
// every take_run fails and everything is the backend's.
void start_pages();

// Makes the first `units` units usable, their metadata included; false when the kernel refuses.
// Called by runs.cpp with its lock held.
[[nodiscard]] bool commit_units(size_t from, size_t to);
// The opposite, for units at the end that are free: neither memory nor, under a limit, address space is held.
[[nodiscard]] bool uncommit_units(size_t from, size_t to);
struct UnitBits;
UnitBits* unit_bits();
size_t reserved_bytes();
size_t window_units();  // that there may ever be

}  // namespace tarn
