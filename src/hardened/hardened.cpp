// SPDX-License-Identifier: MIT
#include "hardened/hardened.h"

#include <string.h>

#include <atomic>

#include "hardened/checks.h"
#include "hardened/store.h"
#include "hardened/work.h"
#include "os/os.h"
#include "pages/runs.h"

namespace tarn::hardened {

namespace {

// Frees of signal handlers over calls here, now that the lock is free for them. With it held.
void settle_aside(Shard& shard) {
    if (!shard.any_aside.load(std::memory_order_relaxed)) [[likely]]
        return;
    while (void* const p = take_aside(shard))
        add_waiting(shard, p, slab_at(p)->info().bytes);
}

constinit std::atomic<bool (*)()> forms_look{nullptr};
constinit std::atomic<bool> forms_mixed{false};

void die_if(const Finding& finding) {
    if (finding) [[unlikely]]
        die_of(finding);
}

Shard& shard_of(const GuardedSlab& slab) {
    Shard* const owner = slab.shard < kShards ? shard(slab.shard) : nullptr;
    if (!owner) die(Fault::kNeverHandedOut, slab.begin());
    return *owner;
}

// Where there is no room, since more signal handlers freed something than ever before, it waits for good.
void put_aside(Shard& shard, void* p) {
    for (auto& place : shard.aside) {
        void* none = nullptr;
        if (!place.compare_exchange_strong(none, p, std::memory_order_acq_rel)) continue;
        shard.any_aside.store(true, std::memory_order_release);
        return;
    }
}

// The memory of an object that this thread has for itself.
void clear(const GuardedSlab& slab, size_t index) {
    if (touchable(slab)) memset(slab.slot(index), 0, slab.info().bytes);
}

}  // namespace

namespace {

// What a slot is looked at for, cleared and sealed takes less than to say that this thread is at work on it: that is done with the shard's
// lock held, which says so, too.
constexpr size_t kShort = 1024;  // bytes

// Of a slot that this thread has for itself. False: something is wrong. Nothing is written to `wrong` but then: this is on each path.
[[nodiscard]] bool hand_out(GuardedSlab& slab, SlotWord& word, char* object, SlotWord live, bool fresh,
                            Finding& wrong) {
    const size_t bytes = slab.info().bytes;
    if (touchable(slab)) {
        // Of a fresh slot, what the next object's owner wrote before its begin.
        if (!is_zero(fresh ? object + bytes - kAlignment : object, fresh ? kAlignment : bytes)) [[unlikely]] {
            const size_t index = slab.index_of(object);
            wrong = fresh ? check_fresh(slab, index) : check_reused(slab, index);
            if (wrong) return false;
        }
        if (slab.doubtful) [[unlikely]]
            memset(object, 0, bytes);
        put_seal(object, live.asked(), bytes);
    }
    set_word(word, live);
    return true;
}

[[nodiscard]] bool take_back(const FoundSlot& slot, char* object, Finding& wrong) {
    GuardedSlab& slab = *slot.slab;
    SlotWord& word = slab.words[slot.index];
    const size_t asked = slot.word.asked();
    if (!change_word(word, slot.word, slot.word.in(SlotState::kFreeing))) [[unlikely]] {
        wrong = {Fault::kDoubleFree, object, "an object of", asked};
        return false;
    }
    if (!seems_sound(slab, slot.index, object, asked)) [[unlikely]] {
        wrong = check_object(slab, slot.index, asked);
        if (wrong) return false;
    }
    if (touchable(slab)) memset(object, 0, slab.info().bytes);
    set_word(word, slot.word.in(SlotState::kWaiting));
    return true;
}

FoundSlot live_slot(const void* p) {
    const FoundSlot slot = slot_of(p);
    if (!slot.is_live) [[unlikely]]
        die_of(why_not_live(slot, p));
    return slot;
}

}  // namespace

Taken take(size_t size, size_t alignment, Form form, Count count) {
    const SlotClass c = slot_for(size, alignment);
    if (c == kNoSlot) return {};
    Shard* const shard = shard_to_take_from();
    if (!shard) return {};
    const bool is_short = kSlots[c].bytes <= kShort;
    const SlotWord live{SlotState::kLive, form, size};
    bool fresh, grew = false, fine = true;
    Place taken;
    SlotWord* word;
    char* object;
    Working working;
    Finding wrong;
    {
        Guard guard(shard->lock);
        settle_aside(*shard);
        taken = take_slot(*shard, c, grew);
        if (!taken.slab) return {};
        word = &taken.slab->words[taken.index];
        object = taken.slab->slot(taken.index);
        fresh = word->state() == SlotState::kFresh;
        set_word(*word, live.in(SlotState::kTaking));
        shard->checks += 1;
        auto& counts = shard->counts[class_of_size(size)];
        counts.out += 1;
        if (count == Count::kHere) {
            counts.taken += 1;
            counts.fresh += fresh;
        }
        if (is_short)
            fine = hand_out(*taken.slab, *word, object, live, fresh, wrong);
        else
            working.begin(*word);
    }
    if (!is_short) fine = hand_out(*taken.slab, *word, object, live, fresh, wrong);
    if (!fine) [[unlikely]]
        die_of(wrong);
    return {object, fresh, grew};
}

Given give(void* p, Form form, size_t expected, Count count) {
    const FoundSlot live = live_slot(p);
    char* const object = static_cast<char*>(p);
    const size_t asked = live.word.asked(), bytes = live.slab->info().bytes;
    if (form != live.word.form() && forms_differ(live.word.form(), form)) [[unlikely]]
        die_of({Fault::kWrongForm, p, made_by(live.word.form()), asked});
    if (expected != kAnySize && expected != asked) [[unlikely]]
        die_of({Fault::kWrongSize, p,
                expected > asked ? "freed as larger than its" : "freed as less than its", asked});
    Shard& owner = shard_of(*live.slab);
    const bool mine = owner.lock.is_mine(), is_short = bytes <= kShort && !mine;
    Working working;
    Finding wrong;
    if (!is_short) {
        working.begin(live.slab->words[live.index]);
        if (!take_back(live, object, wrong)) [[unlikely]]
            die_of(wrong);
    }
    if (mine) [[unlikely]] {
        put_aside(owner, p);
        return {asked, false};
    }
    const bool remote = owner.number != own_shard();
    bool fine = true;
    {
        Guard guard(owner.lock);
        settle_aside(owner);
        if (is_short) fine = take_back(live, object, wrong);
        if (fine) [[likely]] {
            if (count == Count::kHere && !remote) owner.counts[class_of_size(asked)].freed += 1;
            add_waiting(owner, p, bytes);
            owner.checks += 1;
            if (owner.found) [[unlikely]] {
                wrong = owner.found;
                fine = false;
            }
        }
    }
    if (!fine) [[unlikely]]
        die_of(wrong);
    return {asked, remote};
}

void untake(void* p) {
    const FoundSlot live = live_slot(p);
    Shard& owner = shard_of(*live.slab);
    set_word(live.slab->words[live.index], live.word.in(SlotState::kFreeing));
    clear(*live.slab, live.index);
    set_word(live.slab->words[live.index], live.word.in(SlotState::kWaiting));
    if (owner.lock.is_mine()) return put_aside(owner, p);
    Guard guard(owner.lock);
    put_back(owner, *live.slab, live.index);
}

bool forms_differ(Form made, Form undone) {
    if (made == Form::kAny || undone == Form::kAny || made == undone) return false;
    if (forms_mixed.load(std::memory_order_relaxed)) return false;
    bool (*const some_bring_operators)() = forms_look.load(std::memory_order_relaxed);
    if (!some_bring_operators || !some_bring_operators()) return true;
    forms_mixed.store(true, std::memory_order_relaxed);
    return false;
}

void set_forms_look(bool (*some_bring_operators)()) {
    forms_look.store(some_bring_operators, std::memory_order_relaxed);
}

size_t size_of(const void* p) {
    const FoundSlot live = live_slot(p);
    return live.word.asked();
}

bool resize(void* p, size_t size) {
    const FoundSlot live = live_slot(p);
    const GuardedSlab& slab = *live.slab;
    const size_t before = live.word.asked();
    if (forms_differ(live.word.form(), Form::kMalloc)) [[unlikely]]
        die_of({Fault::kWrongForm, p, made_by(live.word.form()), before});
    // The class it is counted in stays, too.
    if (size == 0 || size > kSmallMax || slot_for(size, kAlignment) != slab.slot_class ||
        class_of_size(size) != class_of_size(before))
        return false;
    const SlotWord after{SlotState::kResizing, live.word.form(), size};
    if (!change_word(slab.words[live.index], live.word, after))
        die_of({Fault::kDoubleFree, p, "an object of", before});
    die_if(check_object(slab, live.index, before));
    const size_t same = size < before ? size : before;
    memset(static_cast<char*>(p) + same, 0, slab.info().bytes - same);
    put_seal(static_cast<char*>(p), size, slab.info().bytes);
    set_word(slab.words[live.index], after.in(SlotState::kLive));
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
            if (slab.behind > 0 || slab.slot_class >= kSlotClasses || !slab.words || !slab.free_bits)
                continue;
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
        const bool mine = is_at_work_on(word);
        if (mine || word.state() == SlotState::kLive || word.state() == SlotState::kResizing) {
            if (!mine) word = word.in(SlotState::kLive);
            ++slab.used;
            bits &= ~bit;
            owner.counts[class_of_size(word.asked())].out += 1;
            continue;
        }
        if (word.state() != SlotState::kFresh && word.state() != SlotState::kFree) clear(slab, i);
        word = {SlotState::kFree, Form::kAny, word.asked() <= kSmallMax ? word.asked() : 0};
        bits |= bit;
    }
    add_slab(owner, slab);
}

void forget(Shard& shard) {
    forget_slabs(shard);
    for (auto& counts : shard.counts)
        counts.out = 0;
    shard.quarantine.forget();
    shard.waiting_bytes = 0;
}

template <class Visit>
void each_shard(Visit visit) {
    if (!any_shards()) return;
    for (size_t i = 0; i < kShards; ++i)
        if (Shard* const one = shard(i)) visit(*one);
}

}  // namespace

void check_all() {
    Finding finding{};
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
    give_ready();
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
        sum.objects += counts.out;
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

uint64_t waiting_bytes() {
    uint64_t bytes = 0;
    each_shard([&](Shard& one) { bytes += one.waiting_bytes; });
    return bytes;
}

uint64_t checks_made() {
    uint64_t checks = 0;
    each_shard([&](Shard& one) { checks += one.checks; });
    return checks;
}

void leave_thread() {
    leave_shard();
}

bool is_mine() {
    bool mine = false;
    each_shard([&](Shard& one) { mine |= one.lock.is_mine(); });
    return mine;
}

void after_fork_child(bool others) {
    store_after_fork_child(others);
    forget_works_of_others();
    for (size_t i = 0; i < kShards; ++i) {
        if (!shard(i) || shard(i)->lock.is_mine()) continue;
        Shard& one = *shard(i);
        one.lock.reset();
        one.number = static_cast<uint8_t>(i);  // another thread may have been about to say so
        one.random_state ^= os::nanoseconds() | 1;
        if (one.random_state == 0) one.random_state = 1;
        if (others) forget(one);
    }
    if (!others) return;
    each_slab([](GuardedSlab& slab, Shard& owner) {
        owner.lock.is_mine() ? void(slab.doubtful = true) : repair(slab, owner);
    });
}

}  // namespace tarn::hardened
