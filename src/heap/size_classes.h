// SPDX-License-Identifier: MIT
// Size classes: every 16 bytes up to 256, then eight per doubling up to 8 KiB, four up to 32 KiB: there a
// class's slab is large, and more classes leave more of them half used (docs/tuning.md). One constexpr table
// serves all; the static_asserts at the end prove it.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/at_start.h"
#include "pages/units.h"

namespace tarn {

inline constexpr size_t kAlignment = 16;
inline constexpr size_t kSmallMax = 32768;
inline constexpr unsigned kFineClasses = 16;       // 16, 32 ... 256
inline constexpr unsigned kMiddleClasses = 5 * 8;  // ... 8192
inline constexpr unsigned kClasses = kFineClasses + kMiddleClasses + 2 * 4;

using SizeClass = unsigned;

inline constexpr uint32_t kBinBytes = 16384;               // of objects that a bin may hold, but
inline constexpr uint32_t kBinFewest = 8, kBinMost = 128;  // no fewer and no more of them than these

struct SizeClassInfo {
    uint32_t size;                // bytes of an object
    uint32_t objects;             // in a slab
    PackedUnits<uint32_t> units;  // of a slab
    uint32_t bin_limit;           // objects a bin may hold
    uint64_t reciprocal;          // for index_in_slab
};

namespace detail {

inline constexpr unsigned kReciprocalShift = 40;

constexpr uint32_t step_above(uint32_t base, unsigned step, unsigned per_doubling) {
    base <<= step / per_doubling;
    return base + base / per_doubling * (step % per_doubling + 1);
}

constexpr uint32_t class_size(SizeClass c) {
    if (c < kFineClasses) return (c + 1) * 16;
    const unsigned step = c - kFineClasses;
    if (step < kMiddleClasses) return step_above(256, step, 8);
    return step_above(8192, step - kMiddleClasses, 4);
}

// The fewest units that hold at least eight objects and waste at most 3 %.
constexpr Units slab_units(uint32_t size) {
    for (Units units{1};; units += Units{1}) {
        const size_t bytes = units.bytes();
        if (bytes / size >= 8 && bytes % size * 100 <= bytes * 3) return units;
    }
}

constexpr auto make_classes() {
    std::array<SizeClassInfo, kClasses> classes{};
    for (SizeClass c = 0; c < kClasses; ++c) {
        SizeClassInfo& info = classes[c];
        info.size = class_size(c);
        info.units = slab_units(info.size);
        info.objects = static_cast<uint32_t>(info.units.bytes() / info.size);
        const uint32_t fit = kBinBytes / info.size;
        info.bin_limit = fit < kBinFewest ? kBinFewest : fit > kBinMost ? kBinMost : fit;
        info.reciprocal = (uint64_t{1} << kReciprocalShift) / info.size + 1;
    }
    return classes;
}

constexpr auto make_class_table(const std::array<SizeClassInfo, kClasses>& classes) {
    std::array<uint8_t, kSmallMax / 16 + 1> table{};
    SizeClass c = 0;
    for (size_t i = 0; i < table.size(); ++i) {
        while (classes[c].size < i * 16)
            ++c;
        table[i] = static_cast<uint8_t>(c);
    }
    return table;
}

}  // namespace detail

TARN_READ_AT_START(size_classes)
inline constexpr std::array<SizeClassInfo, kClasses> kSizeClasses = detail::make_classes();
// By (size + 15) / 16.
TARN_READ_AT_START(class_table)
inline constexpr std::array<uint8_t, kSmallMax / 16 + 1> kClassTable = detail::make_class_table(kSizeClasses);

inline constexpr SizeClass class_of_size(size_t size) {
    return kClassTable[(size + 15) / 16];
}

inline constexpr size_t index_in_slab(const SizeClassInfo& info, size_t offset) {
    return static_cast<size_t>((offset * info.reciprocal) >> detail::kReciprocalShift);
}

// Offsets in a slab that are multiples of the object's size are those with offset * divisor(info) < divisor(info), in 64
// bits (D. Lemire, O. Kaser, N. Kurz, "Faster remainder by direct computation", Software: Practice and Experience 2019).
inline constexpr uint64_t divisor(const SizeClassInfo& info) {
    return info.reciprocal << (64 - detail::kReciprocalShift);
}

// The object that begins at this distance from the first; info.objects when none does.
inline constexpr size_t object_at(const SizeClassInfo& info, size_t offset) {
    const size_t index = index_in_slab(info, offset);
    return index * info.size == offset ? index : info.objects;
}

static_assert(kSizeClasses[kClasses - 1].size == kSmallMax);
static_assert([] {
    for (const SizeClassInfo& info : kSizeClasses) {
        if (info.size % kAlignment || info.objects > 1024 || info.units > Units{64}) return false;
        for (uint32_t i = 0; i < info.objects; ++i)
            if (index_in_slab(info, i * info.size) != i || index_in_slab(info, (i + 1) * info.size - 1) != i)
                return false;
    }
    for (size_t size = 0; size <= kSmallMax; size += 8)
        if (kSizeClasses[class_of_size(size)].size < size) return false;
    return true;
}());

}  // namespace tarn
