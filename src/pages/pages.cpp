// SPDX-License-Identifier: MIT
// How large the region is, where it lies, and how it becomes usable in steps.
#include "pages/pages.h"

#include "base/options.h"
#include "base/os.h"
#include "pages/unit_bits.h"

namespace tarn {

constinit PageMap page_map;

namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kGiB = size_t{1} << 30;
constexpr size_t kAlignment = 64 << 10;  // the largest page of any machine

// One array beside the units: reserved whole, committed as the units are.
struct Array {
    char* at = nullptr;
    size_t bytes_per_64_units = 0, step = 0, committed = 0, limit = 0;
};

struct Region {
    Array entries, records, bits;
    size_t window = 0;          // units that there may ever be
    size_t reserved_units = 0;  // units with address space behind them
    size_t metadata_bytes = 0;
};
constinit Region region;

size_t round_up(size_t value, size_t step) {
    return (value + step - 1) / step * step;
}

// The address space that units may come to fill. Generous where it costs nothing.
size_t window_bytes(const os::Limits& limits) {
    if (options.region) return round_up(options.region, kMiB);
    size_t wanted = kGiB;
    while (wanted < 2 * limits.memory && wanted < 256 * kGiB)
        wanted *= 2;
    if (limits.address_space < wanted) wanted = limits.address_space / kMiB * kMiB;
    return wanted;
}

bool limited(const os::Limits& limits) {
    return limits.address_space < 512 * kGiB;
}

Array array(char*& at, size_t bytes_per_64_units, size_t units, size_t step) {
    const size_t page = os::page_size();
    Array result;
    result.at = at;
    result.bytes_per_64_units = bytes_per_64_units;
    result.step = round_up(step, page);
    result.limit = round_up(units / 64 * bytes_per_64_units + bytes_per_64_units, page);
    at += result.limit;
    return result;
}

size_t metadata_size(size_t units) {
    char* at = nullptr;
    array(at, 64 * 4, units, 1), array(at, 64 * kRecordSize, units, 1), array(at, sizeof(UnitBits), units, 1);
    return round_up(reinterpret_cast<size_t>(at), kAlignment);
}

// Under a limit on address space only what is needed is reserved, step by step; the window starts at
// an address nobody else is likely to want, so that there is room to grow.
bool place(size_t bytes, const os::Limits& limits) {
    const size_t units = bytes >> kUnitShift;
    const size_t metadata = metadata_size(units);
    const size_t first = limited(limits) ? kMiB : bytes;
    constexpr uintptr_t kQuiet = uintptr_t{1} << 44;  // 16 TiB; below the mappings of libraries and stacks
    void* hint =
        limited(limits) ? reinterpret_cast<void*>(kQuiet + (os::random() % (1 << 16)) * kGiB) : nullptr;
    char* at = static_cast<char*>(os::reserve(metadata + first + kAlignment, hint));
    if (!at) return false;
    char* const end = at + metadata + first + kAlignment;
    at = reinterpret_cast<char*>(round_up(reinterpret_cast<uintptr_t>(at), kAlignment));
    // What was asked for to align the start must not stand in the way of growth.
    char* const last = at + metadata + first;
    if (limited(limits) && last < end) os::unmap(last, static_cast<size_t>(end - last));
    char* next = at;
    region.entries = array(next, 64 * 4, units, 16 << 10);
    region.records = array(next, 64 * kRecordSize, units, 64 << 10);
    region.bits = array(next, sizeof(UnitBits), units, 4 << 10);
    region.metadata_bytes = metadata;
    region.reserved_units = first >> kUnitShift;
    if (!options.huge_pages)
        os::forbid_huge_pages(at, metadata + first);
    else
        os::advise_huge_pages(at + metadata, first);
    page_map.entries = reinterpret_cast<std::atomic<uint32_t>*>(region.entries.at);
    page_map.records = region.records.at;
    page_map.base = reinterpret_cast<uintptr_t>(at + metadata);
    region.window = units;
    return true;
}

bool commit_array(Array& array, size_t units) {
    const size_t needed = (units + 63) / 64 * array.bytes_per_64_units;
    if (needed <= array.committed) return true;
    size_t target = round_up(needed, array.step);
    if (target > array.limit) target = array.limit;
    if (!os::commit(array.at + array.committed, target - array.committed)) return false;
    array.committed = target;
    return true;
}

bool reserve_units(size_t units) {
    if (units <= region.reserved_units) return true;
    size_t target = round_up(units, kMiB >> kUnitShift);
    if (target > region.window) target = region.window;
    char* at = static_cast<char*>(unit_address(region.reserved_units));
    const size_t bytes = (target - region.reserved_units) << kUnitShift;
    if (!os::reserve_at(at, bytes)) return false;
    if (!options.huge_pages) os::forbid_huge_pages(at, bytes);
    region.reserved_units = target;
    return true;
}

}  // namespace

void start_pages() {
    const os::Limits limits = os::limits();
    // Refused (valgrind, a limit we do not know of): ask for less until it fits.
    for (size_t bytes = window_bytes(limits); bytes >= kMiB; bytes /= 2)
        if (place(bytes, limits)) return;
}

bool commit_units(size_t from, size_t to) {
    if (to > region.window || !reserve_units(to)) return false;
    if (!commit_array(region.entries, to) || !commit_array(region.records, to) ||
        !commit_array(region.bits, to))
        return false;
    if (!os::commit(unit_address(from), (to - from) << kUnitShift)) return false;
    __atomic_store_n(&page_map.units, to, __ATOMIC_RELAXED);
    return true;
}

bool uncommit_units(size_t from, size_t to) {
    const size_t bytes = (to - from) << kUnitShift;
    if (!limited(os::limits())) return os::decommit(unit_address(from), bytes);
    if (!os::decommit(unit_address(from), bytes)) return false;
    os::unmap(unit_address(from), (region.reserved_units - from) << kUnitShift);
    region.reserved_units = from;
    return true;
}

UnitBits* unit_bits() {
    return reinterpret_cast<UnitBits*>(region.bits.at);
}
size_t window_units() {
    return region.window;
}
size_t reserved_bytes() {
    return region.reserved_units ? (region.reserved_units << kUnitShift) + region.metadata_bytes : 0;
}

}  // namespace tarn
