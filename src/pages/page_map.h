// SPDX-License-Identifier: MIT
// The page map: from an address to who has it. And the address space that small objects live in.
//
//   metadata:  owners <- | table: 4 B for every unit of the address space, from address 0 on -> |
//   windows:   64 MiB each, aligned, wherever they fit in the part of the address space that the table
//   covers:
//              | header: records, 64 B a unit; a byte for the pages of each | unit, 16 KiB | unit ...
//
// Windows are mapped as they are needed, a step at a time, from the front; what is free goes back to the
// kernel, address space included (windows.h).
//
// "Is it ours?" is one shift and one compare: address >> 14 < page_table_end; the table reads as zero where
// nothing is. The entry of a unit says who has it, by an offset from the table:
//     0             nobody           kBlockEntry   a block of the backend `map`
//     kOrphanEntry  the orphans      kLostEntry    something that is not tarn's
//     kMixedEntry   a mixed slab     kSampledEntry one with sampled objects
//     kHardenedEntry a slab of the hardened mode
//     negative      of a slab: where its owner has the bin of its class
// All the units of a slab have the same entry. At the offsets that are not negative the table has nothing but
// zeros, so that free() may look for a bin there and finds one that is nobody's.
//
// The thread that took the run writes its entries, until it gives the run back. Readers that hold a live
// object of the run read a stable entry.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/at_start.h"
#include "pages/runs.h"

namespace tarn {

using Entry = int32_t;
inline constexpr Entry kBlockEntry = 64;
inline constexpr Entry kOrphanEntry = 128;
inline constexpr Entry kLostEntry = 192;
inline constexpr Entry kMixedEntry = 256;
inline constexpr Entry kSampledEntry = 320;
inline constexpr Entry kHardenedEntry = 384;
inline constexpr size_t kRecordSize = 64;
inline constexpr size_t kTableZeros = size_t{1} << 20;  // bytes of the table that belong to no window

inline constexpr size_t kWindowShift = 26;
inline constexpr size_t kWindowSize = size_t{1} << kWindowShift;
TARN_READ_AT_START(window_units) inline constexpr Units kWindowUnits = Units::within(kWindowSize);
inline constexpr Units kRecordUnits = Units::holding(kWindowUnits.count() * kRecordSize);
inline constexpr Units kHeaderUnits = kRecordUnits + Units{1};  // the last one: page_bits_of
inline constexpr Units kUsableUnits = kWindowUnits - kHeaderUnits;
// Where these lie in their window, counted from its begin.
inline constexpr size_t kUsableBegin = kHeaderUnits.count(), kUsableEnd = kWindowUnits.count();

// free() reads these two. They lie apart from the rest, since the compiler then needs no register for a common
// address. `page_table`: where the entry of address 0 is. Addresses >> kUnitShift below `page_table_end` have
// one; it grows with the windows, and is 0 until there is one: every pointer is outside.
//
// Written with the lock of runs.cpp held. The fast path reads both without that lock, and plainly, since an
// atomic load costs an instruction: a thread that holds a pointer into a window has seen the growth that made it.
[[gnu::visibility("hidden")]] extern char* page_table;
[[gnu::visibility("hidden")]] extern size_t page_table_end;

// Units are numbered from address 0 on.
inline size_t unit_of(const void* p) {
    return reinterpret_cast<uintptr_t>(p) >> kUnitShift;
}
inline char* unit_address(size_t unit) {
    return reinterpret_cast<char*>(unit << kUnitShift);
}
inline std::atomic<Entry>& table_entry(size_t unit) {
    return reinterpret_cast<std::atomic<Entry>*>(page_table)[unit];
}
// 0 for every address outside. In as few instructions as can be.
inline Entry entry_at(const void* p) {
    const size_t unit = unit_of(p);
    if (unit >= page_table_end) [[unlikely]]
        return 0;
    return table_entry(unit).load(std::memory_order_relaxed);
}
// Of a unit of a window.
inline Entry entry_of(size_t unit) {
    return table_entry(unit).load(std::memory_order_relaxed);
}
inline void set_entries(size_t unit, Units length, Entry entry) {
    for (size_t i = 0; i < length.count(); ++i)
        table_entry(unit + i).store(entry, std::memory_order_relaxed);
}
// 64 bytes for the holder of the run that starts at the unit of p, which lies in a window. They are zero before
// their first use.
inline void* record_at(const void* p) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(p);
    return reinterpret_cast<void*>((at & ~(kWindowSize - 1)) + (at % kWindowSize / kUnitSize) * kRecordSize);
}
inline void* record_of(size_t unit) {
    return record_at(unit_address(unit));
}
// The unit that this record is of.
inline char* unit_of_record(const void* record) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(record);
    return reinterpret_cast<char*>((at & ~(kWindowSize - 1)) + at % kWindowSize / kRecordSize * kUnitSize);
}

// A byte for each unit from the one at p on, with a bit for each of its pages of 4 KiB: for the holder of the run;
// zero when the run is taken, and to be zero again when it is given back. Runs share no byte.
inline uint8_t* page_bits_of(const void* p) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(p);
    return reinterpret_cast<uint8_t*>((at & ~(kWindowSize - 1)) + kRecordUnits.bytes()) +
           at % kWindowSize / kUnitSize;
}
static_assert(kWindowUnits.count() <= kUnitSize);

// Reserves the metadata, sized to the limit on address space; called once, before any take_run. False when
// the kernel refuses: then there is no page map, every take_run fails and everything is the backend's.
bool start_page_map();

// Zeroed memory that a negative entry can name (an offset from the table), on pages of its own and never
// given back. NULL when there is no page map, or no more. Not for several threads at once.
void* owner_memory(size_t bytes);

// Called by windows.cpp, with the lock of runs.cpp held.
// Windows may have the numbers (address >> kWindowShift) from first_window() to window_limit() - 1.
size_t first_window();
size_t window_limit();
// Makes the entries of a window usable; false when the kernel refuses. The table grows where it has to.
[[nodiscard]] bool cover_window(size_t number);
// No window at or above this number is left.
void uncover_from(size_t number);

// Bytes of address space that are reserved for metadata.
size_t metadata_bytes();
// Gives up the part of the table that is not in use: a limit has made address space scarce. Bytes.
size_t shrink_metadata();

}  // namespace tarn
