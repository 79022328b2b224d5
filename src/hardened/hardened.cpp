// SPDX-License-Identifier: MIT
#include "hardened/hardened.h"

#include <string.h>

#include "base/seal.h"
#include "hardened/checks.h"
#include "hardened/store.h"
#include "os/os.h"
#include "os/thread_pointer.h"
#include "pages/runs.h"

namespace tarn::hardened {

namespace {

// Frees of signal handlers over calls here, now that the lock is free for them. With it held.
void settle_aside(Shard& shard) {
    while (void* const p = take_aside(shard))
        add_waiting(shard, p);
}

void die_if(const Finding& finding) {
    if (finding) [[unlikely]]
        die_of(finding);
}

Shard& shard_of(const GuardedSlab& slab) {
    Shard* const owner = slab.shard < kShards ? shard(slab.shard) : nullptr;
    if (!owner) die(Fault::kNeverHandedOut, slab.begin());
    return *owner;
}

// The slots that threads have for themselves, without a lock; more than one of a thread when signal handlers came over calls here. The
// child of a handler's fork goes on with its own. Not in thread-local storage, of which a library that is loaded late has little.
struct alignas(64) Work {
    std::atomic<uintptr_t> thread;  // 0: nobody's; only who made it its own writes
    const SlotWord* word;           // NULL: about to be said
};
constexpr size_t kWorks = 64;  // where all are taken, a child of such a fork gives that slot up
constinit Work works[kWorks] = {};

class Working {
  public:
    void begin(const SlotWord& word) {
        const uintptr_t self = thread_pointer();
        const size_t from = static_cast<size_t>(self * 0x9e3779b97f4a7c15 >> 32);
        for (size_t i = 0; i < kWorks; ++i) {
            Work& work = works[(from + i) % kWorks];
            uintptr_t none = 0;
            if (work.thread.load(std::memory_order_relaxed) != 0) continue;
            if (!work.thread.compare_exchange_strong(none, self, std::memory_order_acquire)) continue;
            work.word = &word;
            std::atomic_signal_fence(std::memory_order_seq_cst);
            work_ = &work;
            return;
        }
    }
    ~Working() {
        if (!work_) return;
        work_->word = nullptr;
        work_->thread.store(0, std::memory_order_release);
    }

  private:
    Work* work_ = nullptr;
};

bool is_at_work_on(const SlotWord& word) {
    const uintptr_t self = thread_pointer();
    for (const Work& work : works)
        if (work.word == &word && work.thread.load(std::memory_order_relaxed) == self) return true;
    return false;
}

// In the child of a fork.
void forget_works_of_others() {
    const uintptr_t self = thread_pointer();
    for (Work& work : works)
        if (work.thread.load(std::memory_order_relaxed) != self) {
            work.word = nullptr;
            work.thread.store(0, std::memory_order_relaxed);
        }
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

Taken take(size_t size, size_t alignment, Form form, Count count) {
    const SlotClass c = slot_for(size, alignment);
    if (c == kNoSlot) return {};
    Shard* const shard = shard_to_take_from();
    if (!shard) return {};
    TakenSlot taken;
    Working working;
    {
        Guard guard(shard->lock);
        settle_aside(*shard);
        taken = take_slot(*shard, c, size, form);
        shard->checks += taken.slab != nullptr;
        if (taken.slab) working.begin(taken.slab->words[taken.index]);
        if (taken.slab && count == Count::kHere) {
            auto& counts = shard->counts[class_of_size(size)];
            counts.taken += 1;
            counts.fresh += taken.fresh;
        }
    }
    if (!taken.slab) return {};
    char* const object = taken.slab->slot(taken.index);
    die_if(taken.fresh ? check_fresh(*taken.slab, taken.index) : check_reused(*taken.slab, taken.index));
    if (taken.slab->doubtful) clear(*taken.slab, taken.index);
    if (touchable(*taken.slab)) put_seal(object, size, taken.slab->info().bytes);
    set_word(taken.slab->words[taken.index], {SlotState::kLive, form, size});
    return {object, taken.fresh, taken.grew};
}

Given give(void* p, Form form, size_t expected, Count count) {
    const LiveSlot live = live_slot(p);
    die_if(live.finding);
    GuardedSlab& slab = *live.slab;
    SlotWord& word = slab.words[live.index];
    const size_t asked = live.word.asked();
    if (form != Form::kAny && live.word.form() != Form::kAny && form != live.word.form())
        die_of({Fault::kWrongForm, p, made_by(live.word.form()), asked});
    if (expected != kAnySize && expected != asked)
        die_of({Fault::kWrongSize, p,
                expected > asked ? "freed as larger than its" : "freed as less than its", asked});
    Working working;
    working.begin(word);
    if (!change_word(word, live.word, live.word.in(SlotState::kFreeing)))
        die_of({Fault::kDoubleFree, p, "an object of", asked});
    die_if(check_object(slab, live.index, asked));
    clear(slab, live.index);
    set_word(word, live.word.in(SlotState::kWaiting));
    Shard& owner = shard_of(slab);
    if (owner.lock.is_mine()) [[unlikely]] {
        put_aside(owner, p);
        return {asked, false};
    }
    const bool remote = owner.number != own_shard();
    Finding found;
    {
        Guard guard(owner.lock);
        settle_aside(owner);
        if (count == Count::kHere && !remote) owner.counts[class_of_size(asked)].freed += 1;
        add_waiting(owner, p);
        owner.checks += 1;
        found = owner.found;
    }
    die_if(found);
    return {asked, remote};
}

void untake(void* p) {
    const LiveSlot live = live_slot(p);
    die_if(live.finding);
    Shard& owner = shard_of(*live.slab);
    set_word(live.slab->words[live.index], live.word.in(SlotState::kFreeing));
    clear(*live.slab, live.index);
    set_word(live.slab->words[live.index], live.word.in(SlotState::kWaiting));
    if (owner.lock.is_mine()) return put_aside(owner, p);
    Guard guard(owner.lock);
    put_back(owner, *live.slab, live.index);
}

size_t size_of(const void* p) {
    const LiveSlot live = live_slot(p);
    die_if(live.finding);
    return live.word.asked();
}

bool resize(void* p, size_t size) {
    const LiveSlot live = live_slot(p);
    die_if(live.finding);
    const GuardedSlab& slab = *live.slab;
    const size_t before = live.word.asked();
    if (live.word.form() == Form::kNew || live.word.form() == Form::kNewArray)
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
    ++owner.slabs[slab.slot_class];
    owner.empty[slab.slot_class] += slab.used == 0;
    if (!slab.full()) link(owner, slab);
}

void forget(Shard& shard) {
    for (SlotClass c = 0; c < kSlotClasses; ++c) {
        shard.partial[c] = nullptr;
        shard.ahead[c] = nullptr;
        shard.slabs[c] = shard.empty[c] = 0;
    }
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
