// SPDX-License-Identifier: MIT
#include "backend/guarded/guarded.h"

#include <string.h>

#include <algorithm>
#include <atomic>

#include "base/message.h"
#include "base/seal.h"
#include "os/guard.h"
#include "os/os.h"

namespace tarn::guarded {

namespace {

constexpr size_t kLongest = size_t{1} << 40;  // of a block; what its record holds
constexpr size_t kWaiting = 64;               // blocks in quarantine
constexpr size_t kWaitingBytes = size_t{1} << 30;  // of address space
constexpr Tag kGrown = 4;                          // in a record's tag

std::atomic<uint64_t> waiting[kWaiting];  // page number << 28 | pages
std::atomic<size_t> waiting_bytes, bytes_live;
std::atomic<uint32_t> next_place;

constexpr int kPagesBits = 28;

size_t round_up(size_t value, size_t step) {
    return (value + step - 1) / step * step;
}

// At least so many, of a row with eight numbers in each doubling.
size_t step_above(size_t pages) {
    size_t step = 1;
    while (step * 16 < pages)
        step *= 2;
    return round_up(pages, step);
}

// Where the parts of a block lie.
struct Layout {
    char* begin;      // the front guard included
    char* data;       // whole pages with the block
    char* data_end;   // the guard behind begins
    char* end;

    size_t guard_bytes() const { return static_cast<size_t>(end - data_end); }
    size_t front_bytes() const { return static_cast<size_t>(data - begin); }
    size_t bytes() const { return static_cast<size_t>(end - begin); }
};

Layout layout_of(void* at, size_t size, bool grown) {
    const size_t page = os::page_size();
    char* const block = static_cast<char*>(at);
    const size_t offset = reinterpret_cast<uintptr_t>(at) % page;
    const size_t data = round_up(offset + size, page);
    const size_t pages = data / page + 1;
    char* const begin = block - offset;
    return {offset ? begin : begin - page, begin, begin + data, begin + (grown ? step_above(pages) : pages) * page};
}
Layout layout_of(void* at, Record record) {
    return layout_of(at, record.size, record.tag & kGrown);
}

char* front_word(void* at) {
    return static_cast<char*>(at) - 8;
}
uint64_t front_seal(const void* at) {
    return ~seal_of(at) | 1;
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

void unmap_word(uint64_t word) {
    const size_t page = os::page_size(), bytes = (word & ((uint64_t{1} << kPagesBits) - 1)) * page;
    waiting_bytes.fetch_sub(bytes, std::memory_order_relaxed);
    unmap(reinterpret_cast<char*>((word >> kPagesBits) * page), bytes);
}

// The oldest but for chance makes room.
void wait(char* at, size_t bytes) {
    const size_t page = os::page_size();
    const uint64_t word = reinterpret_cast<uintptr_t>(at) / page << kPagesBits | bytes / page;
    waiting_bytes.fetch_add(bytes, std::memory_order_relaxed);
    const size_t place = next_place.fetch_add(1, std::memory_order_relaxed) % kWaiting;
    if (const uint64_t old = waiting[place].exchange(word, std::memory_order_acq_rel)) unmap_word(old);
    for (size_t i = 1; i < kWaiting && waiting_bytes.load(std::memory_order_relaxed) > kWaitingBytes; ++i)
        if (const uint64_t old = waiting[(place + i) % kWaiting].exchange(0, std::memory_order_acq_rel))
            unmap_word(old);
}

char* map_or_trim(size_t bytes) {
    void* at = os::map(bytes);
    if (!at && trim() > 0) at = os::map(bytes);
    return static_cast<char*>(at);
}

// Programs unmap what is not theirs to unmap.
bool is_there(const Layout& layout) {
    return os::may_read(layout.data) && os::may_read(layout.data_end - sizeof(uint64_t));
}

void check(void* at, Record record) {
    if (!is_there(layout_of(at, record)))
        die_in_thread(Fault::kNeverHandedOut, at, "a large block that was unmapped, of", record.size, "bytes");
    const Broken which = broken(at, record);
    if (which != Broken::kNone)
        die_in_thread(which == Broken::kBefore ? Fault::kUnderflow : Fault::kOverflow, at, "a large block of", record.size, "bytes");
}

}  // namespace

Block allocate(size_t size, size_t alignment) {
    if (size >= kLongest || alignment >= kLongest) return {};
    const size_t page = os::page_size();
    const size_t padded = round_up(size, std::min(alignment, page));
    const size_t data = round_up(padded, page), offset = data - padded, front = offset ? 0 : page;
    const size_t more = alignment > page ? alignment : 0;
    char* const mapped = map_or_trim(front + data + page + more);
    if (!mapped) return {};
    char* at = mapped + front + offset;
    if (more) {
        at = reinterpret_cast<char*>(round_up(reinterpret_cast<uintptr_t>(at), alignment));
        if (at - front > mapped) os::unmap(mapped, static_cast<size_t>(at - front - mapped));
        const size_t left = static_cast<size_t>(mapped + front + more - at);
        if (left > 0) os::unmap(at + data + page, left);
    }
    const Layout layout = layout_of(at, size, false);
    if (front) (void)os::guard(layout.begin, front);
    (void)os::guard(layout.data_end, layout.guard_bytes());
    seal(at, layout, size);
    bytes_live.fetch_add(size, std::memory_order_relaxed);
    return {at, {size, BlockSource::kGuarded}, 0};
}

void free(void* at, Record record) {
    check(at, record);
    const Layout layout = layout_of(at, record);
    bytes_live.fetch_sub(record.size, std::memory_order_relaxed);
    unguard_counted(layout.begin, layout.front_bytes());
    unguard_counted(layout.data_end, layout.guard_bytes());
    if (layout.bytes() / os::page_size() >> kPagesBits == 0 && os::guard(layout.begin, layout.bytes()))
        wait(layout.begin, layout.bytes());
    else
        os::unmap(layout.begin, layout.bytes());
}

Record resize_in_place(void* at, Record record, size_t new_size) {
    check(at, record);
    if (new_size >= kLongest) return {};
    const bool grown = record.tag & kGrown;
    const Layout before = layout_of(at, record), after = layout_of(at, new_size, grown);
    char* const block = static_cast<char*>(at);
    if (after.end > before.end) return {};
    if (after.data_end != before.data_end || after.end != before.end) {
        if (!os::unguard(before.data_end, before.guard_bytes())) return {};
        if (after.data_end < before.data_end)
            if (!os::discard(after.data_end, static_cast<size_t>(before.data_end - after.data_end)))
                memset(after.data_end, 0, static_cast<size_t>(before.data_end - after.data_end));
        if (after.end < before.end) os::unmap(after.end, static_cast<size_t>(before.end - after.end));
        (void)os::guard(after.data_end, after.guard_bytes());
    }
    // Where the old seal was, and what was given up, reads as zero.
    const size_t kept = std::min(record.size, new_size);
    char* const wiped_end = std::min(before.data_end, after.data_end);
    memset(block + kept, 0, static_cast<size_t>(wiped_end - (block + kept)));
    seal(at, after, new_size);
    bytes_live.fetch_add(new_size - record.size, std::memory_order_relaxed);
    return {new_size, record.source, record.tag};
}

Block remap(void* at, Record record, size_t new_size) {
    if (new_size >= kLongest || new_size < record.size) return {};
    const Layout from = layout_of(at, record);
    const size_t page = os::page_size(), offset = static_cast<size_t>(static_cast<char*>(at) - from.data);
    const Layout shape = layout_of(at, new_size, true);
    char* const mapped = map_or_trim(shape.bytes());
    if (!mapped) return {};
    char* const data = mapped + shape.front_bytes();
    const size_t old_bytes = static_cast<size_t>(from.data_end - from.data);
    const size_t new_bytes = static_cast<size_t>(shape.data_end - shape.data);
    if (!os::remap_to(from.data, old_bytes, new_bytes, data)) return {};
    unguard_counted(from.begin, from.front_bytes());
    unguard_counted(from.data_end, from.guard_bytes());
    if (from.front_bytes()) os::unmap(from.begin, page);
    os::unmap(from.data_end, from.guard_bytes());
    char* const moved = data + offset;
    const Layout layout = layout_of(moved, new_size, true);
    if (layout.front_bytes()) (void)os::guard(layout.begin, layout.front_bytes());
    (void)os::guard(layout.data_end, layout.guard_bytes());
    memset(moved + record.size, 0, old_bytes - offset - record.size);
    seal(moved, layout, new_size);
    bytes_live.fetch_add(new_size - record.size, std::memory_order_relaxed);
    return {moved, {new_size, BlockSource::kGuarded, static_cast<Tag>(record.tag | kGrown)}, 0};
}

Broken broken(const void* at, Record record) {
    const Layout layout = layout_of(const_cast<void*>(at), record);
    const size_t all = static_cast<size_t>(layout.data_end - static_cast<const char*>(at));
    if (record.size < all && broken_at(static_cast<const char*>(at), record.size, all) < all)
        return Broken::kBehind;
    const uint64_t word = front_seal(at);
    if (layout.data != at && memcmp(front_word(const_cast<void*>(at)), &word, sizeof word) != 0) return Broken::kBefore;
    return Broken::kNone;
}

bool is_waiting(const void* at) {
    const size_t page = os::page_size(), number = reinterpret_cast<uintptr_t>(at) / page;
    for (const auto& place : waiting) {
        const uint64_t word = place.load(std::memory_order_relaxed);
        if (number - (word >> kPagesBits) < (word & ((uint64_t{1} << kPagesBits) - 1))) return true;
    }
    return false;
}

size_t trim() {
    const size_t before = waiting_bytes.load(std::memory_order_relaxed);
    for (auto& place : waiting)
        if (const uint64_t word = place.exchange(0, std::memory_order_acq_rel)) unmap_word(word);
    return before;
}

size_t live_bytes() {
    return bytes_live.load(std::memory_order_relaxed);
}

}  // namespace tarn::guarded
