// SPDX-License-Identifier: MIT
// How large the region is, where it lies, and how it becomes usable in steps.
#include "pages/pages.h"

#include "base/options.h"
#include "base/os.h"
#include "pages/unit_bits.h"

namespace tarn {

constinit char* page_table = nullptr;
constinit size_t page_table_end = 0;
constinit char* page_records = nullptr;
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
    char* owners = nullptr;            // the lowest byte handed out by owner_memory
    char* owners_committed = nullptr;  // usable from here on
    char* owners_start = nullptr;
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

// Where the region is to lie. Low, so that the table need not have an entry for all of the address space (32
// GiB of it); above what others like to have low: programs at fixed addresses, 31-bit mappings, compressed
// pointers (32 GiB), shadow memory of sanitizers; and at random, as the kernel would place it. Under a limit
// on address space the table's length counts, too.
constexpr int kAttempts = 8;

uintptr_t low_address(int attempt, const os::Limits& limits) {
    const size_t step = os::page_size() / sizeof(Entry) << kUnitShift;  // the table is cut at a page
    const uintptr_t lowest = limited(limits) ? 4 * kGiB : 256 * kGiB;
    const size_t range = limited(limits) ? 2 * kGiB : 128 * kGiB;
    const uint64_t random =
        (os::random() + static_cast<uint64_t>(attempt)) * 0x9e3779b97f4a7c15;  // Knuth, 6.4
    return lowest + static_cast<uintptr_t>((random >> 32) % (range / step)) * step;
}

// Address space for `bytes`; page_map.base is set. Anywhere, when nothing low is to be had.
bool place_units(size_t bytes, const os::Limits& limits) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        page_map.base = low_address(attempt, limits);
        if (os::reserve_at(unit_address(0), bytes)) return true;
    }
    const size_t step = os::page_size() / sizeof(Entry) << kUnitShift;
    char* const at = static_cast<char*>(os::reserve(bytes + step));
    if (!at) return false;
    page_map.base = round_up(reinterpret_cast<uintptr_t>(at), step);
    char* const start = static_cast<char*>(unit_address(0));
    if (start != at) os::unmap(at, static_cast<size_t>(start - at));
    os::unmap(start + bytes, step - static_cast<size_t>(start - at));
    return true;
}

size_t owners_bytes(const os::Limits& limits) {
    const size_t most = size_t{3} << 29;  // 1.5 GiB, within reach of a negative entry
    if (!limited(limits)) return most;
    const size_t share = round_up(limits.address_space / 64, kAlignment);
    return share < most ? share : most;
}

bool place_metadata(size_t units, const os::Limits& limits) {
    const size_t low = (page_map.base >> kUnitShift) * sizeof(Entry);  // of the table, below the region
    const size_t owners = owners_bytes(limits);
    char* next = nullptr;
    array(next, 64 * sizeof(Entry), units, 1), array(next, sizeof(UnitBits), units, 1);
    array(next, 64 * kRecordSize, units, 1);
    region.metadata_bytes = owners + low + reinterpret_cast<size_t>(next);
    char* const at = static_cast<char*>(os::reserve_zeros(region.metadata_bytes));
    if (!at) return false;
    page_table = at + owners;
    region.owners_start = at;
    region.owners = region.owners_committed = page_table;
    next = page_table + low;
    region.entries = array(next, 64 * sizeof(Entry), units, 16 << 10);
    region.bits = array(next, sizeof(UnitBits), units, 4 << 10);
    region.records = array(next, 64 * kRecordSize, units, 64 << 10);
    page_map.entries = reinterpret_cast<std::atomic<Entry>*>(region.entries.at);
    page_map.records = region.records.at;
    page_records = page_map.records - (page_map.base >> kUnitShift) * kRecordSize;
    return true;
}

// Under a limit on address space only what is needed is reserved, step by step.
bool place(size_t bytes, const os::Limits& limits) {
    const size_t first = limited(limits) ? kMiB : bytes;
    if (!place_units(first, limits)) return false;
    if (!place_metadata(bytes >> kUnitShift, limits)) {
        os::unmap(unit_address(0), first);
        return false;
    }
    region.window = bytes >> kUnitShift;
    region.reserved_units = first >> kUnitShift;
    if (options.huge_pages != HugePageUse::kAlways)
        os::forbid_huge_pages(unit_address(0), first);
    else
        os::advise_huge_pages(unit_address(0), first);
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

// All the bits and the first records, which follow them, in one call; if refused, step by step as ever. Not
// where there would be room for a huge page.
void commit_neighbours() {
    constexpr size_t kMost = size_t{3} << 19;
    Array &bits = region.bits, &records = region.records;
    const size_t step = records.step < records.limit ? records.step : records.limit;
    if (bits.committed || records.committed || bits.limit + step > kMost) return;
    if (!os::commit(bits.at, bits.limit + step)) return;
    bits.committed = bits.limit;
    records.committed = step;
}

bool reserve_units(size_t units) {
    if (units <= region.reserved_units) return true;
    size_t target = round_up(units, kMiB >> kUnitShift);
    if (target > region.window) target = region.window;
    char* at = static_cast<char*>(unit_address(region.reserved_units));
    const size_t bytes = (target - region.reserved_units) << kUnitShift;
    if (!os::reserve_at(at, bytes)) return false;
    if (options.huge_pages != HugePageUse::kAlways) os::forbid_huge_pages(at, bytes);
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
    commit_neighbours();
    if (!commit_array(region.entries, to) || !commit_array(region.records, to) ||
        !commit_array(region.bits, to))
        return false;
    if (!os::commit(unit_address(from), (to - from) << kUnitShift)) return false;
    __atomic_store_n(&page_map.units, to, __ATOMIC_RELAXED);
    __atomic_store_n(&page_table_end, (page_map.base >> kUnitShift) + to, __ATOMIC_RELAXED);
    return true;
}

void* owner_memory(size_t bytes) {
    bytes = round_up(bytes, os::kPageSize);
    if (static_cast<size_t>(region.owners - region.owners_start) < bytes) return nullptr;
    char* const at = region.owners - bytes;
    if (at < region.owners_committed) {
        size_t more = round_up(static_cast<size_t>(region.owners_committed - at), kAlignment);
        const size_t left = static_cast<size_t>(region.owners_committed - region.owners_start);
        if (more > left) more = left;
        if (!os::commit(region.owners_committed - more, more)) return nullptr;
        region.owners_committed -= more;
    }
    region.owners = at;
    return at;
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
