// SPDX-License-Identifier: MIT
#include "backend/guarded/guarded.h"

#include <string.h>

#include <algorithm>
#include <atomic>

#include "base/message.h"
#include "base/seal.h"
#include "os/guard.h"
#include "os/os.h"
#include "pages/units.h"

namespace tarn::guarded {

namespace {

constexpr size_t kLongest = size_t{1} << 38;       // of a block
constexpr size_t kWaiting = 128;                   // blocks in quarantine
constexpr size_t kNewest = 8;                      // of these nobody gets the place yet
constexpr size_t kWaitingBytes = size_t{1} << 30;  // of address space
constexpr size_t kKeptLeast = size_t{8} << 20;     // of memory, or half of what is live
constexpr size_t kKeptLongest = size_t{64} << 20;  // of a block that keeps it
constexpr size_t kDense = 8;                       // all but one of so many pages

// Page number << kPagesBits | pages << 2 | whether others may have it | whether it keeps its memory.
std::atomic<uint64_t> waiting[kWaiting];
std::atomic<size_t> waiting_bytes, kept_bytes, bytes_live;
std::atomic<uint32_t> next_place;

constexpr int kPagesBits = 29;

// At least so many, of a row with eight numbers in each doubling.
size_t step_above(size_t pages) {
    size_t step = 1;
    while (step * 16 < pages)
        step *= 2;
    return round_up(pages, step);
}

// Where the parts of a block lie.
struct Layout {
    char* begin;     // of the guard in front, a page
    char* data;      // whole pages with the block
    char* data_end;  // the guard behind begins
    char* end;

    size_t data_bytes() const { return static_cast<size_t>(data_end - data); }
    size_t guard_bytes() const { return static_cast<size_t>(end - data_end); }
    size_t bytes() const { return static_cast<size_t>(end - begin); }
};

// A page of guard in front and at least one behind.
size_t bytes_around(size_t data) {
    const size_t page = os::page_size();
    return step_above(data / page + 2) * page;
}

Layout layout_of(void* at, size_t size) {
    const size_t page = os::page_size(), offset = reinterpret_cast<uintptr_t>(at) % page;
    const size_t data = round_up(offset + size, page);
    char* const begin = static_cast<char*>(at) - offset - page;
    return {begin, begin + page, begin + page + data, begin + bytes_around(data)};
}

char* front_word(void* at) {
    return static_cast<char*>(at) - 8;
}
uint64_t front_seal(const void* at) {
    return seal_of(static_cast<const char*>(at) - 8);
}

void seal(void* at, const Layout& layout, size_t size) {
    const size_t all = static_cast<size_t>(layout.data_end - static_cast<char*>(at));
    if (size < all) put_seal(static_cast<char*>(at), size, all);
    const uint64_t word = front_seal(at);
    if (layout.data != at) memcpy(front_word(at), &word, sizeof word);
}

// Ranges that mappings of their own guard are counted; those end by unguard() alone.
void unguard_counted(char* at, size_t bytes) {
    if (bytes > 0 && os::guards_by_mapping() > 0) os::unguard(at, bytes);
}

void unmap(char* at, size_t bytes) {
    unguard_counted(at, bytes);
    os::unmap(at, bytes);
}

struct Place {
    char* begin;
    size_t bytes;
    bool reusable;  // no mapping of its own guards it
    bool kept;
};

uint64_t pack(const Place& place) {
    const size_t page = os::page_size();
    return reinterpret_cast<uintptr_t>(place.begin) / page << kPagesBits | place.bytes / page << 2 |
           uint64_t{place.reusable} << 1 | place.kept;
}
Place unpack(uint64_t word) {
    const size_t page = os::page_size();
    return {reinterpret_cast<char*>((word >> kPagesBits) * page),
            ((word & ((uint64_t{1} << kPagesBits) - 1)) >> 2) * page, (word & 2) != 0, (word & 1) != 0};
}

// What is in this place of the quarantine is the caller's.
bool take_out(size_t place, uint64_t word) {
    if (!waiting[place].compare_exchange_strong(word, 0, std::memory_order_acq_rel)) return false;
    const Place was = unpack(word);
    waiting_bytes.fetch_sub(was.bytes, std::memory_order_relaxed);
    if (was.kept) kept_bytes.fetch_sub(was.bytes, std::memory_order_relaxed);
    return true;
}

size_t end_waiting(size_t place) {
    const uint64_t word = waiting[place].load(std::memory_order_relaxed);
    if (!word || !take_out(place, word)) return 0;
    const Place was = unpack(word);
    unmap(was.begin, was.bytes);
    return was.bytes;
}

void wait(const Place& place) {
    waiting_bytes.fetch_add(place.bytes, std::memory_order_relaxed);
    if (place.kept) kept_bytes.fetch_add(place.bytes, std::memory_order_relaxed);
    const size_t at = next_place.fetch_add(1, std::memory_order_relaxed) % kWaiting;
    uint64_t none = 0;
    for (end_waiting(at); !waiting[at].compare_exchange_weak(none, pack(place), std::memory_order_acq_rel);
         none = 0)
        end_waiting(at);
    const auto beyond = [] {
        return waiting_bytes.load(std::memory_order_relaxed) > kWaitingBytes ||
               kept_bytes.load(std::memory_order_relaxed) >
                   kKeptLeast + bytes_live.load(std::memory_order_relaxed) / 2;
    };
    for (size_t i = 1; i < kWaiting && beyond(); ++i)
        end_waiting((at + i) % kWaiting);
}

// Cleared, and nobody may touch it. `bytes` 0: its guards are mappings, or the kernel refused.
Place set_aside(const Layout& layout, size_t resident) {
    if (!os::guards_inside_mappings()) return {};
    const size_t bytes = layout.data_bytes();
    const bool kept = bytes <= kKeptLongest && resident >= bytes - bytes / kDense;
    if (kept)
        memset(layout.data, 0, layout.data_bytes());
    else if (!os::discard(layout.data, layout.data_bytes()))
        return {};
    return {layout.begin, os::forbid(layout.begin, layout.bytes()) ? layout.bytes() : 0, true, kept};
}

// The place of a block that has waited, of this length: cleared memory without guards. NULL: there is none.
char* reuse(size_t bytes) {
    const uint32_t next = next_place.load(std::memory_order_relaxed);
    for (size_t i = 0; i < kWaiting - kNewest; ++i) {
        const size_t at = (next + i) % kWaiting;
        const uint64_t word = waiting[at].load(std::memory_order_relaxed);
        const Place place = unpack(word);
        if (!place.reusable || place.bytes != bytes || !take_out(at, word)) continue;
        if (os::commit(place.begin, bytes) && os::unguard(place.begin, bytes)) return place.begin;
        os::unmap(place.begin, bytes);
        return nullptr;
    }
    return nullptr;
}

char* map_or_trim(size_t bytes) {
    void* at = os::map(bytes);
    if (!at && trim() > 0) at = os::map(bytes);
    return static_cast<char*>(at);
}

void put_guards(const Layout& layout) {
    (void)os::guard(layout.begin, static_cast<size_t>(layout.data - layout.begin));
    (void)os::guard(layout.data_end, layout.guard_bytes());
}
// Ranges that mappings of their own guard end as they began.
void end_guards(const Layout& layout) {
    unguard_counted(layout.begin, static_cast<size_t>(layout.data - layout.begin));
    unguard_counted(layout.data_end, layout.guard_bytes());
}

// Programs unmap what is not theirs to unmap. `resident`: bytes, of what is not too long to ask; reading makes none.
bool is_there(const Layout& layout, size_t& resident) {
    resident = 0;
    if (layout.data_bytes() <= kKeptLongest && !os::confined_itself() &&
        os::resident(layout.data, layout.data_bytes(), resident) != os::Answer::kNotNow)
        return true;
    // Some of it is not there, or the kernel has no memory to say so.
    return os::may_read(layout.data) && os::may_read(layout.data_end - sizeof(uint64_t));
}

// The bytes that are resident.
size_t check(void* at, Record record) {
    size_t resident;
    if (!is_there(layout_of(at, record.size), resident))
        die(Fault::kNeverHandedOut, at, "a large block that was unmapped, of", record.size, "bytes");
    const Broken which = broken(at, record);
    if (which != Broken::kNone)
        die(which == Broken::kBefore ? Fault::kUnderflow : Fault::kOverflow, at, "a large block of",
            record.size, "bytes");
    return resident;
}

}  // namespace

Block allocate(size_t size, size_t alignment) {
    if (size >= kLongest || alignment >= kLongest) return {};
    const size_t page = os::page_size();
    const size_t padded = round_up(size, std::min(alignment, page));
    const size_t data = round_up(padded, page), bytes = bytes_around(data);
    const size_t more = alignment > page ? alignment : 0;
    char* begin = more ? nullptr : reuse(bytes);
    if (!begin) begin = map_or_trim(bytes + more);
    if (!begin) return {};
    char* at = begin + page + (data - padded);
    if (more) {
        char* const mapped = begin;
        at = reinterpret_cast<char*>(round_up(reinterpret_cast<uintptr_t>(at), alignment));
        begin = at - page;
        if (begin > mapped) os::unmap(mapped, static_cast<size_t>(begin - mapped));
        if (mapped + more > begin) os::unmap(begin + bytes, static_cast<size_t>(mapped + more - begin));
    }
    const Layout layout = layout_of(at, size);
    put_guards(layout);
    seal(at, layout, size);
    bytes_live.fetch_add(size, std::memory_order_relaxed);
    return {at, {size, BlockSource::kGuarded}, 0};
}

void free(void* at, Record record) {
    const size_t resident = check(at, record);
    const Layout layout = layout_of(at, record.size);
    bytes_live.fetch_sub(record.size, std::memory_order_relaxed);
    if (const Place place = set_aside(layout, resident); place.bytes > 0) return wait(place);
    end_guards(layout);
    if (os::guard(layout.begin, layout.bytes()))
        wait({layout.begin, layout.bytes(), false, false});
    else
        os::unmap(layout.begin, layout.bytes());
}

Record resize_in_place(void* at, Record record, size_t new_size) {
    check(at, record);
    if (new_size >= kLongest) return {};
    const Layout before = layout_of(at, record.size), after = layout_of(at, new_size);
    char* const block = static_cast<char*>(at);
    if (after.end > before.end) return {};
    if (after.data_end != before.data_end) {
        if (!os::unguard(before.data_end, before.guard_bytes())) return {};
        if (after.data_end < before.data_end) {
            const size_t bytes = static_cast<size_t>(before.data_end - after.data_end);
            if (!os::discard(after.data_end, bytes)) memset(after.data_end, 0, bytes);
        }
        if (after.end < before.end) os::unmap(after.end, static_cast<size_t>(before.end - after.end));
        (void)os::guard(after.data_end, after.guard_bytes());
    }
    // Where the old seal was, and what was given up, reads as zero.
    const size_t same = std::min(record.size, new_size);
    memset(block + same, 0, static_cast<size_t>(std::min(before.data_end, after.data_end) - (block + same)));
    seal(at, after, new_size);
    bytes_live.fetch_add(new_size - record.size, std::memory_order_relaxed);
    return {new_size, record.source, record.tag};
}

Block remap(void* at, Record record, size_t new_size) {
    if (new_size >= kLongest || new_size < record.size) return {};
    const Layout from = layout_of(at, record.size);
    const size_t offset = static_cast<size_t>(static_cast<char*>(at) - from.data);
    const Layout shape = layout_of(at, new_size);
    char* const mapped = map_or_trim(shape.bytes());
    if (!mapped) return {};
    char* const moved = mapped + os::page_size() + offset;
    const Layout layout = layout_of(moved, new_size);
    if (!os::remap_to(from.data, from.data_bytes(), layout.data_bytes(), layout.data)) return {};
    end_guards(from);
    os::unmap(from.begin, static_cast<size_t>(from.data - from.begin));
    os::unmap(from.data_end, from.guard_bytes());
    put_guards(layout);
    memset(moved + record.size, 0, from.data_bytes() - offset - record.size);
    seal(moved, layout, new_size);
    bytes_live.fetch_add(new_size - record.size, std::memory_order_relaxed);
    return {moved, {new_size, BlockSource::kGuarded, record.tag}, 0};
}

Broken broken(const void* at, Record record) {
    const Layout layout = layout_of(const_cast<void*>(at), record.size);
    const size_t all = static_cast<size_t>(layout.data_end - static_cast<const char*>(at));
    if (record.size < all && broken_at(static_cast<const char*>(at), record.size, all) < all)
        return Broken::kBehind;
    const uint64_t word = front_seal(at);
    if (layout.data != at && memcmp(front_word(const_cast<void*>(at)), &word, sizeof word) != 0)
        return Broken::kBefore;
    return Broken::kNone;
}

bool is_waiting(const void* at) {
    for (const auto& place : waiting) {
        const Place there = unpack(place.load(std::memory_order_relaxed));
        if (static_cast<size_t>(static_cast<const char*>(at) - there.begin) < there.bytes) return true;
    }
    return false;
}

size_t trim() {
    size_t bytes = 0;
    for (size_t place = 0; place < kWaiting; ++place)
        bytes += end_waiting(place);
    return bytes;
}

size_t live_bytes() {
    return bytes_live.load(std::memory_order_relaxed);
}

}  // namespace tarn::guarded
