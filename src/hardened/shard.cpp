// SPDX-License-Identifier: MIT
#include "hardened/shard.h"

#include <string.h>

#include <new>

#include "base/seal.h"
#include "hardened/store.h"
#include "os/os.h"

namespace tarn::hardened {

namespace {

constinit std::atomic<Shard*> shards[kShards] = {};
constinit std::atomic<size_t> in_use{0};
constinit std::atomic<uint32_t> next_number{0};
constexpr uint8_t kNone = 255;
thread_local constinit uint8_t own_number __attribute__((tls_model("initial-exec"))) = kNone;

constexpr uint32_t kEmptyLeast = 2;   // slabs of a class that are kept empty, at least
constexpr uint32_t kEmptyShare = 4;  // or one of so many

Shard* make_shard(size_t number) {
    void* const memory = guarded_memory(sizeof(Shard));
    if (!memory) return nullptr;
    Shard* const made = new (memory) Shard;
    made->number = static_cast<uint8_t>(number);
    made->random_state = (os::random() + os::nanoseconds() * 0x9e3779b97f4a7c15) ^ reinterpret_cast<uintptr_t>(made);
    if (made->random_state == 0) made->random_state = 1;
    Shard* expected = nullptr;
    if (shards[number].compare_exchange_strong(expected, made, std::memory_order_acq_rel)) {
        in_use.fetch_add(1, std::memory_order_relaxed);
        return made;
    }
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

size_t shards_in_use() {
    return in_use.load(std::memory_order_relaxed);
}

uint8_t own_shard() {
    return own_number;
}

Shard* shard_to_take_from() {
    if (own_number == kNone)
        own_number = static_cast<uint8_t>(next_number.fetch_add(1, std::memory_order_relaxed) % kShards);
    Shard* own = shard_or_make(own_number);
    for (size_t i = 1; own && own->lock.is_mine() && i < kShards; ++i)
        own = shard_or_make((own_number + i) % kShards);
    return own && !own->lock.is_mine() ? own : nullptr;
}

void link(Shard& shard, GuardedSlab& slab) {
    GuardedSlab*& first = shard.partial[slab.slot_class];
    slab.previous = nullptr;
    slab.next = first;
    if (first) first->previous = &slab;
    first = &slab;
}

namespace {

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

SizeClass counted_class(size_t asked) {
    return class_of_size(asked);
}

// A word with a changed byte in it; NULL: all are zero.
const char* first_change(const char* from, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i)
        if (from[i]) return from + i;
    return nullptr;
}

bool touchable(const GuardedSlab& slab) {
    return slab.slot_class != kUntouchable;
}

void give_back(Shard& shard, GuardedSlab& slab) {
    unlink(shard, slab);
    --shard.slabs[slab.slot_class];
    --shard.empty[slab.slot_class];
    dissolve(slab);
}

void set_free(Shard& shard, GuardedSlab& slab, size_t index) {
    if (slab.full()) link(shard, slab);
    set_word(slab.words[index], slab.words[index].in(SlotState::kFree));
    slab.free_bits[index / 64] |= uint64_t{1} << index % 64;
    if (--slab.used > 0) return;
    const uint32_t empty = ++shard.empty[slab.slot_class];
    if (empty > kEmptyLeast + shard.slabs[slab.slot_class] / kEmptyShare) give_back(shard, slab);
}

}  // namespace

TakenSlot take_slot(Shard& shard, SlotClass c, size_t asked, Form form, Finding& finding) {
    GuardedSlab* slab = shard.partial[c];
    TakenSlot taken;
    if (!slab) {
        slab = make_slab(c, shard.number, shard.random());
        if (!slab) return taken;
        ++shard.slabs[c];
        ++shard.empty[c];
        link(shard, *slab);
        taken.grew = true;
    }
    const SlotInfo& info = kSlots[c];
    const size_t index = any_free_slot(*slab, shard.random());
    char* const object = slab->slot(index);
    SlotWord& word = slab->words[index];
    taken.fresh = word.state() == SlotState::kFresh;
    set_word(word, {SlotState::kTaking, form, asked});
    slab->free_bits[index / 64] &= ~(uint64_t{1} << index % 64);
    if (slab->used++ == 0) --shard.empty[c];
    if (slab->full()) unlink(shard, *slab);
    if (c != kUntouchable) {
        if (!taken.fresh && !is_zero(object, info.bytes)) [[unlikely]] {
            if (!slab->doubtful)
                finding = {Fault::kWriteAfterFree, first_change(object, info.bytes), "in a freed object's place of",
                           info.bytes};
            memset(object, 0, info.bytes);
        }
        put_seal(object, asked, info.bytes);
    }
    set_word(word, {SlotState::kLive, form, asked});
    shard.checks += 1;
    auto& counts = shard.counts[counted_class(asked)];
    counts.live += 1;
    taken.object = object;
    return taken;
}

Finding check_slot(const GuardedSlab& slab, size_t index) {
    if (!touchable(slab)) return {};
    const size_t bytes = slab.info().bytes;
    const char* const object = slab.slot(index);
    const SlotWord word = slab.words[index];
    const size_t broken = broken_at(object, word.asked(), bytes);
    if (broken < bytes) [[unlikely]]
        return {Fault::kOverflow, object, "an object of", word.asked()};
    if (index == 0 || slab.doubtful) return {};
    const char* const before = object - bytes;
    const SlotWord word_before = slab.words[index - 1];
    if (word_before.state() == SlotState::kLive) {
        const size_t asked = word_before.asked(), broken_before = broken_at(before, asked, bytes);
        if (broken_before == bytes) return {};
        // What begins where the other one ends came from there.
        if (broken_before == asked) return {Fault::kOverflow, before, "an object of", asked};
        return {Fault::kUnderflow, object, "an object of", word.asked()};
    }
    if (is_zero(object - kAlignment, kAlignment)) [[likely]]
        return {};
    return {Fault::kUnderflow, object, "an object of", word.asked()};
}

GivenSlot give_slot(Shard& shard, void* p, Form form, size_t expected, Finding& finding) {
    GuardedSlab& slab = *slab_at(p);
    const SlotInfo& info = slab.info();
    const size_t index = slot_at(info, static_cast<size_t>(static_cast<char*>(p) - slab.begin()));
    if (index >= info.slots) {
        finding = {Fault::kNeverHandedOut, p};
        return {};
    }
    SlotWord& word = slab.words[index];
    const SlotState state = word.state();
    const size_t asked = word.asked();
    char* const object = slab.slot(index);
    if (object != p) {
        const bool was_ever = state != SlotState::kFresh;
        finding = {was_ever ? Fault::kInsideObject : Fault::kNeverHandedOut, p, was_ever ? "into one of" : "", asked};
        return {};
    }
    if (state != SlotState::kLive) {
        const bool twice = state == SlotState::kFree || state == SlotState::kWaiting;
        finding = {twice ? Fault::kDoubleFree : Fault::kNeverHandedOut, p, twice ? "an object of" : "", asked};
        return {};
    }
    if (form != Form::kAny && word.form() != Form::kAny && form != word.form()) {
        finding = {Fault::kWrongForm, p, made_by(word.form()), asked};
        return {};
    }
    if (expected != kAnySize && expected != asked) {
        finding = {Fault::kWrongSize, p, expected > asked ? "freed as larger than its" : "freed as less than its",
                   asked};
        return {};
    }
    finding = check_slot(slab, index);
    if (finding) [[unlikely]]
        return {};
    set_word(word, word.in(SlotState::kWaiting));
    if (touchable(slab)) memset(object, 0, info.bytes);
    shard.checks += 1;
    auto& counts = shard.counts[counted_class(asked)];
    counts.live -= 1;
    counts.waiting += 1;
    if (shard.quarantine.full()) release_waiting(shard, shard.quarantine.bytes() - 1);
    shard.quarantine.add(object, info.bytes, shard.random());
    return {asked};
}

void release_waiting(Shard& shard, size_t most_bytes) {
    Quarantine& quarantine = shard.quarantine;
    while (quarantine.bytes() > most_bytes) {
        char* const object = static_cast<char*>(quarantine.oldest());
        if (!object) break;
        GuardedSlab& slab = *slab_at(object);
        const size_t index = slot_at(slab.info(), static_cast<size_t>(object - slab.begin()));
        quarantine.remove_oldest(slab.info().bytes);
        shard.counts[counted_class(slab.words[index].asked())].waiting -= 1;
        set_free(shard, slab, index);
    }
    shard.waiting_bytes = quarantine.bytes();
}

void untake_slot(Shard& shard, void* p) {
    GuardedSlab& slab = *slab_at(p);
    const size_t index = slot_at(slab.info(), static_cast<size_t>(static_cast<char*>(p) - slab.begin()));
    const SlotWord word = slab.words[index];
    set_word(slab.words[index], word.in(SlotState::kWaiting));
    if (touchable(slab)) memset(p, 0, slab.info().bytes);
    shard.counts[counted_class(word.asked())].live -= 1;
    set_free(shard, slab, index);
}

void* take_aside(Shard& shard) {
    if (!shard.any_aside.load(std::memory_order_relaxed)) [[likely]]
        return nullptr;
    for (auto& place : shard.aside)
        if (void* const p = place.exchange(nullptr, std::memory_order_acq_rel)) return p;
    shard.any_aside.store(false, std::memory_order_relaxed);
    return nullptr;
}

size_t dissolve_empty(Shard& shard) {
    size_t count = 0;
    for (SlotClass c = 0; c < kSlotClasses; ++c) {
        GuardedSlab* next;
        for (GuardedSlab* slab = shard.partial[c]; slab; slab = next) {
            next = slab->next;
            if (slab->used > 0) continue;
            give_back(shard, *slab);
            ++count;
        }
    }
    return count;
}

Finding check_slab(const GuardedSlab& slab) {
    if (!touchable(slab)) return {};
    const SlotInfo& info = slab.info();
    for (size_t i = 0; i < info.slots; ++i) {
        const SlotState state = slab.words[i].state();
        if (state == SlotState::kLive) {
            if (const Finding finding = check_slot(slab, i)) return finding;
        } else if (state == SlotState::kWaiting || state == SlotState::kFree) {
            if (!is_zero(slab.slot(i), info.bytes) && !slab.doubtful)
                return {Fault::kWriteAfterFree, first_change(slab.slot(i), info.bytes),
                        "in a freed object's place of", info.bytes};
        }
    }
    return {};
}

}  // namespace tarn::hardened
