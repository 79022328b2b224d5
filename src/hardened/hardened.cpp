// SPDX-License-Identifier: MIT
#include "hardened/hardened.h"

#include <string.h>

#include "base/options.h"
#include "base/seal.h"
#include "hardened/store.h"
#include "os/os.h"
#include "pages/runs.h"

namespace tarn::hardened {

namespace {

size_t waiting_most() {
    return options.quarantine / shards_in_use();
}

// Frees of signal handlers over calls here, now that the lock is free for them. With it held.
void settle_aside(Shard& shard, Finding& finding) {
    while (void* const p = take_aside(shard)) {
        Finding found;
        give_slot(shard, p, Form::kAny, kAnySize, found);
        if (found && !finding) finding = found;
    }
}

void die_if(const Finding& finding) {
    if (finding) [[unlikely]]
        die_of(finding);
}

Shard& shard_of(const void* p) {
    const GuardedSlab& slab = *slab_at(p);
    Shard* const owner = slab.shard < kShards ? shard(slab.shard) : nullptr;
    if (!owner) die_in_thread(Fault::kNeverHandedOut, p);
    return *owner;
}

// No room is left when as many signal handlers freed something as never before: it stays as it is then.
void put_aside(Shard& shard, void* p) {
    for (auto& place : shard.aside) {
        void* none = nullptr;
        if (!place.compare_exchange_strong(none, p, std::memory_order_acq_rel)) continue;
        shard.any_aside.store(true, std::memory_order_release);
        return;
    }
}

size_t index_of(const GuardedSlab& slab, const void* p) {
    return slot_at(slab.info(), static_cast<size_t>(static_cast<const char*>(p) - slab.begin()));
}

}  // namespace

void die_of(const Finding& finding) {
    die_in_thread(finding.fault, finding.at, finding.detail, finding.number, *finding.detail ? "bytes" : "");
}

Taken take(size_t size, size_t alignment, Form form, Count count) {
    const SlotClass c = slot_for(size, alignment);
    if (c == kNoSlot) return {};
    Shard* const shard = shard_to_take_from();
    if (!shard) return {};
    Finding finding;
    TakenSlot taken;
    {
        Guard guard(shard->lock);
        settle_aside(*shard, finding);
        taken = take_slot(*shard, c, size, form, finding);
        if (taken.object && count == Count::kHere) {
            auto& counts = shard->counts[class_of_size(size)];
            counts.taken += 1;
            counts.fresh += taken.fresh;
        }
    }
    die_if(finding);
    return {taken.object, taken.fresh, taken.grew};
}

Given give(void* p, Form form, size_t expected, Count count) {
    Shard& owner = shard_of(p);
    if (owner.lock.is_mine()) [[unlikely]] {
        const size_t asked = size_of(p);
        put_aside(owner, p);
        return {asked, false};
    }
    Finding finding;
    GivenSlot given;
    {
        Guard guard(owner.lock);
        settle_aside(owner, finding);
        if (!has(p) || &shard_of(p) != &owner)
            finding = {Fault::kDoubleFree, p};  // dissolved meanwhile
        else
            given = give_slot(owner, p, form, expected, finding);
        if (count == Count::kHere) owner.counts[class_of_size(given.asked)].freed += 1;
        release_waiting(owner, waiting_most());
    }
    die_if(finding);
    return {given.asked, owner.number != own_shard()};
}

void untake(void* p) {
    Shard& owner = shard_of(p);
    if (owner.lock.is_mine()) return put_aside(owner, p);
    Guard guard(owner.lock);
    untake_slot(owner, p);
}

namespace {

// The word of the live object at p; dies where there is none.
SlotWord live_word(const void* p) {
    const GuardedSlab& slab = *slab_at(p);
    const size_t index = index_of(slab, p);
    if (index >= slab.info().slots) die_in_thread(Fault::kNeverHandedOut, p);
    const SlotWord word = word_at(slab.words[index]);
    if (word.state() == SlotState::kFresh) die_in_thread(Fault::kNeverHandedOut, p);
    if (slab.slot(index) != p) die_in_thread(Fault::kInsideObject, p, "into one of", word.asked(), "bytes");
    if (word.state() != SlotState::kLive) die_in_thread(Fault::kDoubleFree, p, "an object of", word.asked(), "bytes");
    return word;
}

}  // namespace

size_t size_of(const void* p) {
    return live_word(p).asked();
}

bool resize(void* p, size_t size) {
    const SlotWord word = live_word(p);
    GuardedSlab& slab = *slab_at(p);
    const SizeClass before = class_of_size(word.asked());
    // The class it is counted in stays, too.
    if (size == 0 || size > kSmallMax || slot_for(size, kAlignment) != slab.slot_class || class_of_size(size) != before)
        return false;
    Shard& owner = shard_of(p);
    if (word.form() == Form::kNew || word.form() == Form::kNewArray)
        die_in_thread(Fault::kWrongForm, p, made_by(word.form()), word.asked(), "bytes");
    if (owner.lock.is_mine()) return false;
    Finding finding;
    {
        Guard guard(owner.lock);
        const size_t index = index_of(slab, p);
        finding = check_slot(slab, index);
        if (!finding) {
            const size_t kept = size < word.asked() ? size : word.asked();
            memset(static_cast<char*>(p) + kept, 0, slab.info().bytes - kept);
            set_word(slab.words[index], {SlotState::kLive, word.form(), size});
            put_seal(static_cast<char*>(p), size, slab.info().bytes);
        }
    }
    die_if(finding);
    return true;
}

namespace {

// The slabs of all windows, each once.
template <class Visit>
void each_slab(Visit visit) {
    for (size_t window = 0; window < window_count(); ++window) {
        const UnitRange range = window_units(window);
        for (size_t unit = range.first; unit < range.end; ++unit) {
            if (entry_of(unit) != kHardenedEntry) continue;
            GuardedSlab& slab = *static_cast<GuardedSlab*>(record_of(unit));
            if (slab.behind > 0 || slab.slot_class >= kSlotClasses || !slab.words || !slab.free_bits) continue;
            if (slab.shard < kShards && shard(slab.shard)) visit(slab, *shard(slab.shard));
        }
    }
}

// In the child of a fork: what other threads were at work on becomes free.
void repair(GuardedSlab& slab, Shard& owner) {
    const SlotInfo& info = slab.info();
    slab.doubtful = true;
    slab.used = 0;
    for (size_t i = 0; i < info.slots; ++i) {
        SlotWord& word = slab.words[i];
        uint64_t& bits = slab.free_bits[i / 64];
        const uint64_t bit = uint64_t{1} << i % 64;
        if (word.state() == SlotState::kLive) {
            ++slab.used;
            bits &= ~bit;
            owner.counts[class_of_size(word.asked())].live += 1;
            continue;
        }
        const bool on_its_way = word.state() == SlotState::kWaiting || word.state() == SlotState::kTaking;
        if (on_its_way && slab.slot_class != kUntouchable) memset(slab.slot(i), 0, info.bytes);
        word = {SlotState::kFree, Form::kAny, word.asked() <= kSmallMax ? word.asked() : 0};
        bits |= bit;
    }
    ++owner.slabs[slab.slot_class];
    owner.empty[slab.slot_class] += slab.used == 0;
    if (!slab.full()) link(owner, slab);
}

void forget(Shard& shard) {
    for (SlotClass c = 0; c < kSlotClasses; ++c) {
        shard.partial[c] = nullptr;
        shard.slabs[c] = shard.empty[c] = 0;
    }
    for (auto& counts : shard.counts) {
        counts.live = 0;
        counts.waiting = 0;
    }
    shard.quarantine.forget();
    shard.waiting_bytes = 0;
}

template <class Visit>
void each_shard(Visit visit) {
    for (size_t i = 0; i < kShards; ++i)
        if (Shard* const one = shard(i)) visit(*one);
}

}  // namespace

void check_all() {
    Finding finding;
    constexpr uint64_t kWait = 100'000'000;  // ns
    bool held[kShards] = {};
    for (size_t i = 0; i < kShards; ++i)
        if (Shard* const one = shard(i)) held[i] = !one->lock.is_mine() && one->lock.lock_within(kWait);
    each_slab([&](const GuardedSlab& slab, const Shard& owner) {
        if (!finding && held[owner.number]) finding = check_slab(slab);
    });
    for (size_t i = 0; i < kShards; ++i)
        if (held[i]) shard(i)->lock.unlock();
    die_if(finding);
}

size_t trim() {
    const size_t before = run_stats().in_use;
    each_shard([](Shard& one) {
        if (one.lock.is_mine()) return;
        Guard guard(one.lock);
        dissolve_empty(one);
    });
    const size_t after = run_stats().in_use;
    return before > after ? before - after : 0;
}

Counts counts(SizeClass c) {
    Counts sum = {};
    each_shard([&](Shard& one) {
        const auto& counts = one.counts[c];
        sum.taken += counts.taken;
        sum.freed += counts.freed;
        sum.fresh += counts.fresh;
        sum.objects += counts.live + counts.waiting;
    });
    return sum;
}

uint64_t live_bytes() {
    uint64_t bytes = 0;
    each_shard([&](Shard& one) {
        for (SizeClass c = 0; c < kClasses; ++c)
            bytes += (one.counts[c].taken - one.counts[c].freed) * kSizeClasses[c].size;
    });
    return bytes;
}

Totals totals() {
    Totals sum = {};
    each_shard([&](Shard& one) {
        sum.checks += one.checks;
        sum.waiting_bytes += one.waiting_bytes;
    });
    return sum;
}

bool is_mine() {
    bool mine = false;
    each_shard([&](Shard& one) { mine |= one.lock.is_mine(); });
    return mine;
}

void after_fork_child(bool others) {
    store_after_fork_child(others);
    each_shard([&](Shard& one) {
        if (one.lock.is_mine()) return;
        one.lock.reset();
        one.random_state ^= os::nanoseconds() | 1;
        if (one.random_state == 0) one.random_state = 1;
        if (others) forget(one);
    });
    if (!others) return;
    each_slab([](GuardedSlab& slab, Shard& owner) {
        if (!owner.lock.is_mine()) repair(slab, owner);
    });
}

}  // namespace tarn::hardened
