// SPDX-License-Identifier: MIT
// Windows: 64 MiB of address space each, of which only what is needed is mapped. Their list, in the order of
// their addresses; what each counts; and the units that get memory or lose it. Callers hold the lock of runs.cpp.
//
// A window begins with its header (page_map.h): 64 bytes for each unit. Those of the header have none; in
// their place are the bits of all units (unit_bits.h).
#pragma once
#include <cstddef>
#include <cstdint>

#include "pages/page_map.h"
#include "pages/unit_bits.h"

namespace tarn {

static_assert(kWindowUnits.count() / 64 * sizeof(UnitBits) <= kHeaderUnits.count() * kRecordSize);
inline constexpr size_t kWindowsMost = 4096;

struct Window {
    uint32_t number;  // address >> kWindowShift
    PackedUnits<uint16_t> clean, dirty, holes;
    // Runs of this length, of each kind, are known not to be found; more than a window has: nothing is known.
    PackedUnits<uint16_t> none[kUnitKinds];

    char* begin() const { return reinterpret_cast<char*>(size_t{number} << kWindowShift); }
    size_t first_unit() const { return size_t{number} * kWindowUnits.count(); }
    UnitMap units() const { return {reinterpret_cast<UnitBits*>(begin()), kWindowUnits}; }
    bool all_holes() const { return holes == kUsableUnits; }

    Units count(UnitKind kind) const {
        const Units mapped = clean + dirty;
        return kind == UnitKind::kDirty ? Units{dirty} : kind == UnitKind::kMapped ? mapped : mapped + holes;
    }
    // Everything below counts positions from first_unit().
    // The lowest run of this kind; UnitMap::kNone.
    size_t find(UnitKind kind, Units length);
    // There is mapped memory on both sides of these units.
    bool is_inside_mapping(size_t first, Units length) const;
    // The units may be in any state; what they were. The counts follow.
    UnitCounts set(size_t first, Units length, UnitState state);
    // After the bits were changed by others, or may have been.
    void count_again();
};

// The outcome of map().
enum class Mapped : uint8_t { kYes, kOccupied, kRefused };

// The memory of whole pages of mapped units goes back; they read as zero again. False when the kernel refuses: they
// stand as they were.
bool empty_pages(void* at, size_t bytes);

class Windows {
  public:
    Window* begin() { return windows_; }
    Window* end() { return windows_ + count_; }
    size_t count() const { return count_; }
    // The window that the unit (counted from address 0) lies in; NULL when there is none.
    Window* of_unit(size_t unit);

    // A new window; the header and the first `units` units behind it are mapped, these clean. NULL: no
    // address space, or the kernel refuses.
    Window* add(Units units);
    // All units are holes. The header goes back as well; false when the kernel refuses.
    bool remove(Window& window);

    // Units that are holes become clean, all of them. kOccupied: something that is not ours is there, and
    // nothing was done.
    Mapped map(Window& window, size_t first, Units length);
    // Units that were taken out of the books, and unmapped without the lock, are holes now.
    void unmapped(Window& window, size_t first, Units length);

    Units mapped_units() const { return mapped_; }  // headers included
    size_t mappings() const { return mappings_; }   // that the kernel has of them, at most
    // In the child of a fork: another thread may have been at work on the list.
    void repair();

  private:
    Window* insert(size_t number);
    Mapped map_whole(size_t number, Units units);
    size_t next_number(size_t attempt) const;

    size_t count_ = 0;
    Units mapped_;
    size_t mappings_ = 0;
    Window windows_[kWindowsMost] = {};
};

}  // namespace tarn
