// SPDX-License-Identifier: MIT
// The reserved region and its page map.
//
//   metadata:  owners <- | table: 4 B for every unit of the address space, from address 0 to the region's end
//                        | bits, 2 for every unit of the region | records, 64 B a unit |
//   region:    units, 16 KiB each, from `base` on, which lies low (place() in pages.cpp says why)
//
// "Is it ours?" is one shift and one compare: address >> 14 < page_table_end; the table reads as zero below
// the region. The entry of a unit says who has it, by an offset from the table:
//     0             nobody           kBlockEntry   a block of the backend `map`
//     kOrphanEntry  the orphans      negative      of a slab: where its owner has the bin of its class
// All the units of a slab have the same entry. At the offsets that are not negative the table has nothing but
// zeros, so that free() may look for a bin there and finds one that is nobody's.
//
// Who writes an entry: the thread that took the run, until it gives the run back. Readers that hold a live
// object of the run read a stable entry.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "pages/runs.h"

namespace tarn {

using Entry = int32_t;
inline constexpr Entry kBlockEntry = 64;
inline constexpr Entry kOrphanEntry = 128;
inline constexpr size_t kRecordSize = 64;
inline constexpr size_t kTableZeros = size_t{1} << 20;  // bytes of the table that belong to no region

// What free() reads. Apart from the rest, since the compiler then needs no register for a common
// address. `page_table`: where the entry of address 0 is. Addresses >> kUnitShift below `page_table_end` have
// one; it grows with the region, and is 0 until there is a region: every pointer is outside.
[[gnu::visibility("hidden")]] extern char* page_table;
[[gnu::visibility("hidden")]] extern size_t page_table_end;
// Where the record of the unit at address 0 would be.
[[gnu::visibility("hidden")]] extern char* page_records;

struct PageMap {
    uintptr_t base = 0;                     // first byte of the region's unit 0
    size_t units = 0;                       // of the region, that are committed
    std::atomic<Entry>* entries = nullptr;  // of unit 0 and on
    char* records = nullptr;
};
// page_table_end and `units` grow with the lock of runs.cpp held, the rest is written once, at start. The
// fast path reads page_table_end without that lock, and plainly, since an atomic load costs an instruction:
// whoever holds a pointer into the region has seen the growth that made it.
[[gnu::visibility("hidden")]] extern PageMap page_map;

// 0 for every address outside. In as few instructions as can be.
inline Entry fast_entry_at(const void* p) {
    const size_t at = reinterpret_cast<uintptr_t>(p) >> kUnitShift;
    if (at >= page_table_end) [[unlikely]]
        return 0;
    return reinterpret_cast<std::atomic<Entry>*>(page_table)[at].load(std::memory_order_relaxed);
}

// Of the region. At least page_map.units when p is outside.
inline size_t unit_of(const void* p) {
    return (reinterpret_cast<uintptr_t>(p) - page_map.base) >> kUnitShift;
}
inline void* unit_address(size_t unit) {
    return reinterpret_cast<void*>(page_map.base + (unit << kUnitShift));
}
inline Entry entry_of(size_t unit) {
    return page_map.entries[unit].load(std::memory_order_relaxed);
}
// 0 for every address outside.
inline Entry entry_at(const void* p) {
    const size_t unit = unit_of(p);
    return unit < page_map.units ? entry_of(unit) : 0;
}
inline void set_entries(size_t unit, size_t units, Entry entry) {
    for (size_t i = 0; i < units; ++i)
        page_map.entries[unit + i].store(entry, std::memory_order_relaxed);
}
// 64 bytes for whoever holds the run that starts at this unit; zero before their first use.
inline void* record_of(size_t unit) {
    return page_map.records + unit * kRecordSize;
}
// Of the unit that p lies in, which is in the region.
inline void* record_at(const void* p) {
    return page_records + (reinterpret_cast<uintptr_t>(p) >> kUnitShift) * kRecordSize;
}

// Reserves the region, sized to the machine and its limits; called once, before any take_run. Without one,
// every take_run fails and everything is the backend's.
void start_pages();

// Zeroed memory that a negative entry can name (an offset from the table), on pages of its own and never
// given back. NULL when there is no region, or no more. Not for several threads at once.
void* owner_memory(size_t bytes);

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
