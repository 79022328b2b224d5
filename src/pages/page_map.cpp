// SPDX-License-Identifier: MIT
// The place of the metadata, and how it becomes usable in steps.
#include "pages/page_map.h"

#include "os/os.h"

namespace tarn {

constinit char* page_table = nullptr;
constinit size_t page_table_end = 0;

namespace {

constexpr size_t kTiB = size_t{1} << 40;
constexpr size_t kGiB = size_t{1} << 30;
constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kAlignment = 64 << 10;  // the largest page of any machine
constexpr size_t kTablePerWindow = kWindowUnits.count() * sizeof(Entry);
constexpr size_t kOwnersMost = size_t{3} << 29;  // within reach of a negative entry
constexpr size_t kOwnersStep = size_t{8} << 20;
constexpr int kAttempts = 8;

struct Metadata {
    char* owners = nullptr;            // the lowest byte handed out by owner_memory
    char* owners_committed = nullptr;  // usable from here on
    char* owners_reserved = nullptr;
    size_t first_window = 0;
    size_t window_limit = 0;  // windows below have an entry
};
constinit Metadata metadata;

// A number below `range`, another for each attempt; at random, as the kernel would place it.
size_t random_below(size_t range, int attempt) {
    const uint64_t random =
        (os::random() + static_cast<uint64_t>(attempt)) * 0x9e3779b97f4a7c15;  // Knuth, 6.4
    return static_cast<size_t>(random >> 32) % range;
}

// Windows lie low, so that the table need not have an entry for all of the address space (32 GiB of it);
// above what others like to have low: programs at fixed addresses, 31-bit mappings, compressed pointers (32
// GiB). Under a limit on address space the table's length counts as well, and windows lie lower yet.
struct Plan {
    size_t lowest, spread;  // of the first window, in bytes
    size_t covered;         // by the table at first
    size_t owners;          // bytes reserved at first
    size_t table_from;      // the metadata lies at some multiple of a MiB from here on
};

constexpr size_t kLimited = 64 * kGiB;

Plan plan_for(size_t address_space) {
    if (address_space >= kLimited) return {33 * kGiB, 14 * kGiB, 128 * kGiB, kOwnersStep, 256 * kGiB};
    return {4 * kGiB, 2 * kGiB, round_up(6 * kGiB + address_space, kWindowSize),
            round_up(address_space / 64, kAlignment), 128 * kGiB};
}

// For a process in which all that is low is somebody's: AddressSanitizer's shadow takes the first 16 TiB. The
// table is 7 GiB.
constexpr Plan kHigh = {20 * kTiB, 4 * kTiB, 28 * kTiB, kOwnersStep, 30 * kTiB};

enum class Where { kAsPlanned, kAnywhere };

// Readable zeros, of which parts are made writable later.
char* reserve_metadata(size_t bytes, const Plan& plan, Where where) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        char* const at = reinterpret_cast<char*>(plan.table_from + random_below(64 << 10, attempt) * kMiB);
        if (os::reserve_zeros_at(at, bytes)) return at;
    }
    return where == Where::kAnywhere ? static_cast<char*>(os::reserve_zeros(bytes)) : nullptr;
}

bool place(const Plan& plan, Where where = Where::kAnywhere) {
    const size_t table = Units::within(plan.covered).count() * sizeof(Entry);
    char* const at = reserve_metadata(plan.owners + table, plan, where);
    if (!at) return false;
    os::exclude_from_dumps(at, plan.owners + table);
    page_table = at + plan.owners;
    metadata.owners = metadata.owners_committed = page_table;
    metadata.owners_reserved = at;
    metadata.first_window = plan.lowest / kWindowSize + random_below(plan.spread / kWindowSize, 0);
    metadata.window_limit = plan.covered / kWindowSize;
    return true;
}

// Twice as long a table, if nothing is in its way.
bool grow_table(size_t windows) {
    if (windows > size_t{1} << (47 - kWindowShift)) return false;
    size_t wanted = 2 * metadata.window_limit;
    if (wanted < windows) wanted = windows;
    char* const end = page_table + metadata.window_limit * kTablePerWindow;
    const size_t more = (wanted - metadata.window_limit) * kTablePerWindow;
    if (!os::reserve_zeros_at(end, more)) return false;
    os::exclude_from_dumps(end, more);
    metadata.window_limit = wanted;
    return true;
}

bool reserve_owners(size_t bytes) {
    size_t more = round_up(bytes, kOwnersStep);
    const size_t have = static_cast<size_t>(page_table - metadata.owners_reserved);
    if (have + more > kOwnersMost) return false;
    for (; more >= bytes; more = more > kAlignment ? round_up(more / 2, kAlignment) : 0) {
        if (!os::reserve_zeros_at(metadata.owners_reserved - more, more)) continue;
        os::exclude_from_dumps(metadata.owners_reserved - more, more);
        metadata.owners_reserved -= more;
        return true;
    }
    return false;
}

}  // namespace

bool start_page_map() {
    const size_t address_space = os::address_space_limit();
    return place(plan_for(address_space), Where::kAsPlanned) || place(kHigh, Where::kAsPlanned) ||
           place(plan_for(address_space)) || place(plan_for(kGiB)) || place(plan_for(16 * kMiB));
}

size_t first_window() {
    return metadata.first_window;
}
size_t window_limit() {
    return metadata.window_limit;
}

bool cover_window(size_t number) {
    if (!page_table || (number >= metadata.window_limit && !grow_table(number + 1))) return false;
    const size_t page = os::page_size();
    const size_t first = number * kTablePerWindow / page * page;
    const size_t end = round_up((number + 1) * kTablePerWindow, page);
    if (!os::commit(page_table + first, end - first)) return false;
    const size_t unit = (number + 1) * kWindowUnits.count();
    if (unit > page_table_end) __atomic_store_n(&page_table_end, unit, __ATOMIC_RELAXED);
    return true;
}

void uncover_from(size_t number) {
    const size_t unit = number * kWindowUnits.count();
    if (unit < page_table_end) __atomic_store_n(&page_table_end, unit, __ATOMIC_RELAXED);
}

void* owner_memory(size_t bytes) {
    if (!page_table) return nullptr;
    bytes = round_up(bytes, os::kPageSize);
    if (static_cast<size_t>(metadata.owners - metadata.owners_reserved) < bytes && !reserve_owners(bytes))
        return nullptr;
    char* const at = metadata.owners - bytes;
    if (at < metadata.owners_committed) {
        size_t more = round_up(static_cast<size_t>(metadata.owners_committed - at), kAlignment);
        const size_t left = static_cast<size_t>(metadata.owners_committed - metadata.owners_reserved);
        if (more > left) more = left;
        if (!os::commit(metadata.owners_committed - more, more)) return nullptr;
        metadata.owners_committed -= more;
    }
    metadata.owners = at;
    return at;
}

size_t metadata_bytes() {
    const size_t table = metadata.window_limit * kTablePerWindow;
    return page_table ? static_cast<size_t>(page_table - metadata.owners_reserved) + table : 0;
}

size_t shrink_metadata() {
    if (!page_table) return 0;
    const size_t before = metadata_bytes();
    const size_t windows = page_table_end / kWindowUnits.count();
    const size_t page = os::page_size();
    const size_t keep = round_up(windows * kTablePerWindow, page > kTablePerWindow ? page : kTablePerWindow);
    const size_t table = metadata.window_limit * kTablePerWindow;
    if (windows > 0 && keep < table && os::unmap_exactly(page_table + keep, table - keep))
        metadata.window_limit = keep / kTablePerWindow;
    return before - metadata_bytes();
}

}  // namespace tarn
