// SPDX-License-Identifier: MIT
#include "guard/pool.h"

#include <string.h>

#include <algorithm>

#include "os/guard.h"
#include "os/os.h"

namespace tarn::guard {

namespace {

struct Pool {
    uintptr_t begin = 0, end = 0;
    size_t page = 0, data_pages = 0, slots = 0;
    Slot* slot = nullptr;
    std::atomic<uint64_t>* words = nullptr;  // state, and when it was freed << kStateBits
    std::atomic<size_t> opened{0};           // slots that were ever used
    std::atomic<uint64_t> frees{0};
};
constinit Pool pool;

constexpr unsigned kStateBits = 3;

State state_of(uint64_t word) {
    return static_cast<State>(word & ((1 << kStateBits) - 1));
}
uint64_t word_of(State state, uint64_t when = 0) {
    return static_cast<uint64_t>(state) | when << kStateBits;
}

size_t number_of(const Slot& slot) {
    return static_cast<size_t>(&slot - pool.slot);
}
std::atomic<uint64_t>& word_at(const Slot& slot) {
    return pool.words[number_of(slot)];
}
size_t slot_bytes() {
    return (1 + pool.data_pages) * pool.page;
}
uintptr_t data_of(size_t number) {
    return pool.begin + number * slot_bytes() + pool.page;
}
void* pointer(uintptr_t address) {
    return reinterpret_cast<void*>(address);
}

// The guard pages around it. False: the kernel refused.
bool open_slot(size_t number) {
    const uintptr_t data = data_of(number);
    if (number == 0 && !os::guard(pointer(pool.begin), pool.page)) return false;
    return os::guard(pointer(data + pool.data_pages * pool.page), pool.page);
}

Slot* take_unused() {
    size_t number = pool.opened.load(std::memory_order_relaxed);
    do {
        if (number >= pool.slots) return nullptr;
    } while (!pool.opened.compare_exchange_weak(number, number + 1, std::memory_order_relaxed));
    pool.words[number].store(word_of(State::kTaken), std::memory_order_relaxed);
    return open_slot(number) ? &pool.slot[number] : nullptr;
}

Slot* take_oldest() {
    for (;;) {
        size_t oldest = pool.slots;
        uint64_t its = UINT64_MAX;
        for (size_t i = 0; i < pool.slots; ++i) {
            const uint64_t word = pool.words[i].load(std::memory_order_relaxed);
            if (state_of(word) == State::kFree && word < its) its = word, oldest = i;
        }
        if (oldest == pool.slots) return nullptr;
        if (pool.words[oldest].compare_exchange_strong(its, word_of(State::kTaken), std::memory_order_acquire,
                                                       std::memory_order_relaxed))
            return &pool.slot[oldest];
    }
}

// The pages from `begin` to `end` open, the others of the slot guarded. False: the kernel refused; what is open then is
// in `guarded`.
bool set_pages(Slot& slot, uintptr_t begin, uintptr_t end) {
    const uintptr_t data = data_of(number_of(slot));
    bool done = true;
    for (size_t i = 0; i < pool.data_pages; ++i) {
        const uintptr_t at = data + i * pool.page;
        const uint8_t bit = static_cast<uint8_t>(1u << i);
        const bool open = at < end && begin < at + pool.page;
        if (open && slot.guarded & bit) {
            if (os::unguard(pointer(at), pool.page))
                slot.guarded &= static_cast<uint8_t>(~bit);
            else
                done = false;
        } else if (!open && !(slot.guarded & bit) && os::guard(pointer(at), pool.page)) {
            slot.guarded |= bit;
        }
    }
    return done;
}

size_t up(size_t bytes, size_t step) {
    return (bytes + step - 1) / step * step;
}

// What lies before and behind an object on its open pages, the bytes nearest to it. No terminating zero, text or row of
// ones passes for what it is filled with.
constexpr uint8_t kFilling = 0xb6;
constexpr size_t kFilledMost = 4096;

struct Beside {
    uint8_t *before, *begin, *end, *behind;
};
Beside beside(const Slot& slot) {
    const uintptr_t end = slot.begin + slot.usable;
    const uintptr_t before = slot.begin & ~(pool.page - 1), behind = up(end, pool.page);
    return {reinterpret_cast<uint8_t*>(std::max(before, slot.begin - kFilledMost)),
            reinterpret_cast<uint8_t*>(slot.begin), reinterpret_cast<uint8_t*>(end),
            reinterpret_cast<uint8_t*>(std::min(behind, end + kFilledMost))};
}

void fill_beside(const Slot& slot) {
    const Beside at = beside(slot);
    memset(at.before, kFilling, static_cast<size_t>(at.begin - at.before));
    memset(at.end, kFilling, static_cast<size_t>(at.behind - at.end));
}

}  // namespace

uintptr_t written_beside(const Slot& slot) {
    const Beside at = beside(slot);
    for (const uint8_t* byte = at.end; byte < at.behind; ++byte)
        if (*byte != kFilling) return reinterpret_cast<uintptr_t>(byte);
    for (const uint8_t* byte = at.begin; byte-- > at.before;)
        if (*byte != kFilling) return reinterpret_cast<uintptr_t>(byte);
    return 0;
}

bool open_pool(size_t slots) {
    pool.page = os::page_size();
    pool.data_pages = up(kSizeMost, pool.page) / pool.page;
    pool.slots = slots;
    const size_t bytes = slots * slot_bytes() + pool.page;
    const size_t words = slots * sizeof *pool.words;
    const size_t table = up(words + slots * sizeof(Slot), pool.page);
    auto* const at = static_cast<char*>(os::map(bytes));
    auto* const list = static_cast<char*>(os::map(table));
    if (!at || !list) {
        if (at) os::unmap(at, bytes);
        if (list) os::unmap(list, table);
        return false;
    }
    // A huge page would be split by the first guard.
    os::forbid_huge_pages(at, bytes);
    pool.words = reinterpret_cast<std::atomic<uint64_t>*>(list);
    pool.slot = reinterpret_cast<Slot*>(list + words);
    pool.end = reinterpret_cast<uintptr_t>(at) + bytes;
    __atomic_store_n(&pool.begin, reinterpret_cast<uintptr_t>(at), __ATOMIC_RELEASE);
    return true;
}

Slot* take(size_t size, size_t alignment, Side side) {
    constexpr size_t kLeast = 16;  // what lies in an object while it is nobody's
    Slot* slot = take_unused();
    if (!slot) slot = take_oldest();
    if (!slot) return nullptr;
    const uintptr_t data = data_of(number_of(*slot)), end = data + pool.data_pages * pool.page;
    const size_t bytes = up(size < kLeast ? kLeast : size, 16);
    slot->asked = size;
    slot->begin = side == Side::kEnd ? (end - bytes) & ~(alignment - 1) : data;
    slot->usable = std::max(size, kLeast);
    if (slot->begin >= data && set_pages(*slot, slot->begin, slot->begin + slot->usable)) {
        fill_beside(*slot);
        return slot;
    }
    word_at(*slot).store(word_of(State::kFree, pool.frees.fetch_add(1, std::memory_order_relaxed)),
                         std::memory_order_release);
    return nullptr;
}

void hand_out(Slot& slot) {
    word_at(slot).store(word_of(State::kLive), std::memory_order_release);
}

bool in_pool(uintptr_t address) {
    const uintptr_t begin = __atomic_load_n(&pool.begin, __ATOMIC_ACQUIRE);
    return begin != 0 && address >= begin && address < pool.end;
}

namespace {

struct Near {
    Slot* slot = nullptr;
    State state = State::kUnused;
    uintptr_t distance = 0;
};

// The object of this slot as seen from an address outside of its data pages.
Near near(size_t number, uintptr_t address) {
    if (number >= pool.slots) return {};
    Slot& slot = pool.slot[number];
    const State state = state_of(pool.words[number].load(std::memory_order_acquire));
    if (state != State::kLive && state != State::kFree && state != State::kFreeing) return {};
    const uintptr_t end = slot.begin + slot.usable;
    return {&slot, state, address < slot.begin ? slot.begin - address : address - end};
}

}  // namespace

Place place_of(uintptr_t address) {
    const size_t offset = address - pool.begin;
    const size_t number = offset / slot_bytes();
    if (offset % slot_bytes() >= pool.page) {
        const Near own = near(number, address);
        return {own.slot, own.state, own.slot && own.slot->begin == address};
    }
    const Near before = near(number - 1, address), behind = near(number, address);
    const bool first =
        before.slot && (!behind.slot || ((before.state == State::kLive) != (behind.state == State::kLive)
                                             ? before.state == State::kLive
                                             : before.distance < behind.distance));
    const Near& nearest = first ? before : behind;
    return {nearest.slot, nearest.state, false};
}

bool begin_free(Slot& slot) {
    uint64_t live = word_of(State::kLive);
    return word_at(slot).compare_exchange_strong(live, word_of(State::kFreeing), std::memory_order_acq_rel);
}

void end_free(Slot& slot) {
    set_pages(slot, 0, 0);
    word_at(slot).store(word_of(State::kFree, pool.frees.fetch_add(1, std::memory_order_relaxed)),
                        std::memory_order_release);
}

}  // namespace tarn::guard
