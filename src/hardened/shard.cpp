// SPDX-License-Identifier: MIT
#include "hardened/shard.h"

#include <string.h>

#include <algorithm>
#include <new>

#include "base/options.h"
#include "base/seal.h"
#include "hardened/store.h"
#include "os/os.h"

namespace tarn::hardened {

namespace {

constinit std::atomic<Shard*> shards[kShards] = {};
constinit std::atomic<size_t> in_use{0};
constinit std::atomic<uint32_t> holders[kShards] = {};  // threads
constinit std::atomic<size_t> most_waiting{0};

// Slabs that a shard keeps empty: making one costs page faults and system calls for its guard.
constexpr size_t kEmptyLeast = size_t{24} << 20;  // bytes, of all shards in use, at least
constexpr size_t kEmptyShare = 2;                 // or one of so many of its slabs'
constexpr int kGivenAtOnce = 2;                   // one more than became empty, so that they come down to it

Shard* make_shard(size_t number) {
    void* const memory = guarded_memory(sizeof(Shard));
    if (!memory) return nullptr;
    Shard* const made = new (memory) Shard;
    made->number = static_cast<uint8_t>(number);
    made->random_state =
        (os::random() + os::nanoseconds() * 0x9e3779b97f4a7c15) ^ reinterpret_cast<uintptr_t>(made);
    if (made->random_state == 0) made->random_state = 1;
    Shard* expected = nullptr;
    const size_t shards_now = in_use.fetch_add(1, std::memory_order_relaxed) + 1;  // before it is seen
    if (shards[number].compare_exchange_strong(expected, made, std::memory_order_acq_rel)) {
        most_waiting.store(options.quarantine / shards_now, std::memory_order_relaxed);
        return made;
    }
    in_use.fetch_sub(1, std::memory_order_relaxed);
    return expected;  // another thread was faster; the memory was not touched but for a page
}

Shard* shard_or_make(size_t number) {
    Shard* const there = shards[number].load(std::memory_order_acquire);
    return there ? there : make_shard(number);
}

}  // namespace

Shard* shard(size_t number) {
    return shards[number].load(std::memory_order_acquire);
}

bool any_shards() {
    return in_use.load(std::memory_order_acquire) > 0;
}

uint8_t own_shard() {
    return static_cast<uint8_t>(shard_number_above - 1);
}

size_t waiting_most() {
    return most_waiting.load(std::memory_order_relaxed);
}

namespace {

// The first of those that the fewest threads have: few threads have few shards.
[[gnu::cold, gnu::noinline]] void enter_shard() {
    size_t best = 0;
    for (size_t i = 1; i < kShards; ++i)
        if (holders[i].load(std::memory_order_relaxed) < holders[best].load(std::memory_order_relaxed))
            best = i;
    holders[best].fetch_add(1, std::memory_order_relaxed);
    shard_number_above = static_cast<uint8_t>(best + 1);
}

}  // namespace

void leave_shard() {
    if (shard_number_above == 0) return;
    holders[own_shard()].fetch_sub(1, std::memory_order_relaxed);
    shard_number_above = 0;
}

Shard* shard_to_take_from() {
    if (shard_number_above == 0) [[unlikely]]
        enter_shard();
    Shard* own = shard_or_make(own_shard());
    for (size_t i = 1; own && own->lock.is_mine() && i < kShards; ++i)
        own = shard_or_make((own_shard() + i) % kShards);
    return own && !own->lock.is_mine() ? own : nullptr;
}

namespace {

void link(Shard& shard, GuardedSlab& slab) {
    GuardedSlab*& first = shard.partial[slab.slot_class];
    slab.previous = nullptr;
    slab.next = first;
    if (first) first->previous = &slab;
    first = &slab;
}

void unlink(Shard& shard, GuardedSlab& slab) {
    (slab.previous ? slab.previous->next : shard.partial[slab.slot_class]) = slab.next;
    if (slab.next) slab.next->previous = slab.previous;
}

size_t any_free_slot(const GuardedSlab& slab, uint64_t random) {
    const size_t words = slab.info().words();
    size_t at = static_cast<size_t>((random >> 32) * words >> 32);
    while (slab.free_bits[at] == 0)
        at = at + 1 < words ? at + 1 : 0;
    const unsigned turn = static_cast<unsigned>(random >> 8) % 64;
    const uint64_t bits = slab.free_bits[at];
    const uint64_t turned = bits >> turn | bits << (64 - turn) % 64;
    return at * 64 + (static_cast<unsigned>(__builtin_ctzll(turned)) + turn) % 64;
}

size_t bytes_of(SlotClass c) {
    return kSlots[c].units * kUnitSize;
}

void count_empty(Shard& shard, SlotClass c) {
    ++shard.empty[c];
    shard.empty_bytes += bytes_of(c);
}
void count_used(Shard& shard, SlotClass c) {
    --shard.empty[c];
    shard.empty_bytes -= bytes_of(c);
}

void give_back(Shard& shard, GuardedSlab& slab) {
    const SlotClass c = slab.slot_class;
    // What was written after free would be gone with it.
    if (!shard.found) shard.found = check_slab(slab);
    unlink(shard, slab);
    count_used(shard, c);
    shard.slab_bytes -= bytes_of(c);
    dissolve(slab);
}

// Of the class that has most of them: others would keep for good what they do not need.
void give_back_one(Shard& shard) {
    SlotClass most = 0;
    for (SlotClass c = 1; c < kSlotClasses; ++c)
        if (shard.empty[c] * bytes_of(c) > shard.empty[most] * bytes_of(most)) most = c;
    for (GuardedSlab* slab = shard.partial[most]; slab; slab = slab->next)
        if (slab->used == 0) return give_back(shard, *slab);
}

void set_free(Shard& shard, GuardedSlab& slab, size_t index) {
    if (slab.full()) link(shard, slab);
    slab.free_bits[index / 64] |= uint64_t{1} << index % 64;
    if (--slab.used > 0) return;
    count_empty(shard, slab.slot_class);
    const auto too_many = [&] {
        return shard.empty_bytes >
               std::max(kEmptyLeast / in_use.load(std::memory_order_relaxed), shard.slab_bytes / kEmptyShare);
    };
    for (int i = 0; i < kGivenAtOnce && too_many(); ++i)
        give_back_one(shard);
}

}  // namespace

void add_slab(Shard& shard, GuardedSlab& slab) {
    shard.slab_bytes += bytes_of(slab.slot_class);
    if (slab.used == 0) count_empty(shard, slab.slot_class);
    if (!slab.full()) link(shard, slab);
}

void forget_slabs(Shard& shard) {
    for (SlotClass c = 0; c < kSlotClasses; ++c) {
        shard.partial[c] = nullptr;
        shard.ahead[c] = {};
        shard.empty[c] = 0;
    }
    shard.slab_bytes = shard.empty_bytes = 0;
}

namespace {

// Of a slab that is there, or of a new one.
Place pick(Shard& shard, SlotClass c, bool& grew) {
    GuardedSlab* slab = shard.partial[c];
    if (!slab) [[unlikely]] {
        slab = make_slab(c, shard.number, shard.random());
        if (!slab) return {};
        add_slab(shard, *slab);
        grew = true;
    }
    const size_t index = any_free_slot(*slab, shard.random());
    slab->free_bits[index / 64] &= ~(uint64_t{1} << index % 64);
    if (slab->used++ == 0) count_used(shard, c);
    if (slab->full()) unlink(shard, *slab);
    return {slab, index};
}

}  // namespace

Place take_slot(Shard& shard, SlotClass c, bool& grew) {
    Place& ahead = shard.ahead[c];
    const Place taken = ahead.slab ? ahead : pick(shard, c, grew);
    if (!taken.slab) return taken;
    ahead = {};
    if (shard.partial[c]) {
        ahead = pick(shard, c, grew);
        __builtin_prefetch(ahead.slab->slot(ahead.index), 1);
    }
    return taken;
}

namespace {

void release_oldest(Shard& shard) {
    char* const object = static_cast<char*>(shard.quarantine.oldest());
    GuardedSlab& slab = *slab_at(object);
    shard.quarantine.remove_oldest(slab.info().bytes);
    put_back(shard, slab, slab.index_of(object));
}

}  // namespace

void put_back(Shard& shard, GuardedSlab& slab, size_t index) {
    const SlotWord word = slab.words[index];
    shard.counts[class_of_size(word.asked())].out -= 1;
    set_word(slab.words[index], word.in(SlotState::kFree));
    set_free(shard, slab, index);
}

void add_waiting(Shard& shard, void* object, size_t bytes) {
    Quarantine& quarantine = shard.quarantine;
    if (quarantine.full()) release_oldest(shard);
    quarantine.add(object, bytes, shard.random());
    while (quarantine.bytes() > waiting_most())
        release_oldest(shard);
    shard.waiting_bytes = quarantine.bytes();
}

void* take_aside(Shard& shard) {
    for (auto& place : shard.aside)
        if (void* const p = place.exchange(nullptr, std::memory_order_acq_rel)) return p;
    shard.any_aside.store(false, std::memory_order_relaxed);
    return nullptr;
}

void dissolve_empty(Shard& shard) {
    for (SlotClass c = 0; c < kSlotClasses; ++c) {
        if (const Place ahead = shard.ahead[c]; ahead.slab) {
            shard.ahead[c] = {};
            set_free(shard, *ahead.slab, ahead.index);
        }
        GuardedSlab* next;
        for (GuardedSlab* slab = shard.partial[c]; slab; slab = next) {
            next = slab->next;
            if (slab->used == 0) give_back(shard, *slab);
        }
    }
}

}  // namespace tarn::hardened
