// SPDX-License-Identifier: MIT
// What the holder of a heap does with its slabs.
#include "heap/heap.h"

#include <string.h>

#include "heap/holes.h"
#include "heap/orphans.h"
#include "heap/sound.h"
#include "os/os.h"

namespace tarn {

namespace {

// Empty slabs that a heap keeps, so that a working set that comes and goes takes no lock and no page faults: its share
// of what all heaps with a holder may keep.
constexpr Units kEmptyUnitsOfAll = Units{128};  // 2 MiB
constexpr Units kEmptyUnitsLeast = Units{16};   // 256 KiB

// Slabs are taken in advance, so that the lock of the runs is held once for several: twice as many each time, as long as
// none of them goes back unused. They are empty ones like others, and go back when these do.
constexpr unsigned kDoublingsMost = 4;
constexpr size_t kAtOnceMost = 1 << kDoublingsMost;
constexpr Units kAheadUnits = Units{32};  // 512 KiB
constexpr size_t kAheadShare = 8;         // of what the heap has

constexpr size_t kLine = 64;                        // bytes that a cache has at a time
constexpr size_t kFetchMost = 256;                  // lines
constexpr size_t kSparseShare = 2;                  // free objects to used ones: half as many
constexpr size_t kSparseLeast = size_t{512} << 10;  // bytes
constexpr uint32_t kSweepEvery = 64;                // slabs made

Units empty_limit() {
    const uint32_t holders = orphans.holders.load(std::memory_order_relaxed);
    return max(kEmptyUnitsLeast, Units{kEmptyUnitsOfAll.count() / (holders + !holders)});
}

}  // namespace

void Heap::open(HeapId id, uintptr_t marks, Entry first_entry) {
    id_ = id;
    marks_ = marks;
    first_entry_ = first_entry;
}

Slab*& Heap::list_of(const Slab& slab) {
    return classes_[slab.size_class].list(slab.state);
}

// Onto the list where it belongs now.
void Heap::link(Slab& slab) {
    slab.state = slab.fitting_state();
    if (slab.state == SlabState::kEmpty) empty_units_ += slab.info().units;
    Slab*& head = list_of(slab);
    slab.previous = nullptr;
    slab.next = head;
    if (head) head->previous = &slab;
    head = &slab;
    expect_none(&slab, [&] { return fault_of_linked(slab, *this); });
}

void Heap::unlink(Slab& slab) {
    expect(&slab, "a slab taken off no list", [&] { return slab.state != SlabState::kNone; });
    expect_none(&slab, [&] { return fault_of_links(slab, *this); });
    if (slab.state == SlabState::kEmpty) empty_units_ -= slab.info().units;
    if (sweep_next_ == &slab) sweep_next_ = slab.next;
    if (slab.previous)
        slab.previous->next = slab.next;
    else
        list_of(slab) = slab.next;
    if (slab.next) slab.next->previous = slab.previous;
    slab.state = SlabState::kNone;
    expect(&slab, "more empty units than there can be", [&] { return empty_units_ <= Units{SIZE_MAX / 2}; });
}

void Heap::claim(Slab& slab) {
    slab.owner.store(id_, std::memory_order_seq_cst);
    units_ += slab.info().units;
    set_entries(slab.first_unit(), slab.info().units, entry(slab.size_class));
    counters(slab.size_class).slabs += 1;
    classes_[slab.size_class].used += slab.used;
    untouched_[slab.size_class] += slab.carved() == 0;
    counters(slab.size_class).touched += slab.touched();
    link(slab);
    expect_none(&slab, [&] { return fault_of_units(slab, *this); });
}

// Empty ones that a heap may have because it has taken them in advance.
Units Heap::ahead_most() const {
    return min(min(empty_limit(), kAheadUnits), lately_ / kAheadShare);
}

// The reverse of claim(), but for what names the owner.
void Heap::leave(Slab& slab) {
    expect_none(&slab, [&] { return fault_of_units(slab, *this); });
    unlink(slab);
    counters(slab.size_class).slabs -= 1;
    counters(slab.size_class).touched -= slab.touched();
    classes_[slab.size_class].used -= slab.used;
    untouched_[slab.size_class] -= slab.carved() == 0;
    units_ -= slab.info().units;
}

// Half of what it may have besides those it has: classes whose slabs are of another length find some, too.
size_t Heap::at_once(SizeClass c) const {
    const Units most = ahead_most();
    if (doublings_ == 0 || most <= empty_units_ || id_ == kOrphanHeap) return 1;
    const size_t room = (most - empty_units_) / 2 / kSizeClasses[c].units, wanted = size_t{1} << doublings_;
    return room < 1 ? 1 : room < wanted ? room : wanted;
}

// Empty slabs of the class; how many.
size_t Heap::take_slabs(SizeClass c) {
    lately_ = max(units_, lately_ - lately_ / 64);
    Run runs[kAtOnceMost];
    const size_t count = take_runs(kSizeClasses[c].units, RunUse::kSlab, runs, at_once(c));
    for (size_t i = count; i-- > 0;)  // the lowest will be first on its list
        enter_slab(runs[i], c);
    if (doublings_ < kDoublingsMost) ++doublings_;
    return count;
}

// What other classes have left empty comes before memory that was never used: a slab of the same length becomes one of this
// class. What is more than a heap may have in advance goes back; where no length fits, so do all that were used.
bool Heap::convert_empty(SizeClass c) {
    const Units length = kSizeClasses[c].units;
    const auto fits = [&](SizeClass other) {
        return classes_[other].list(SlabState::kEmpty) && kSizeClasses[other].units == length;
    };
    SizeClass found = kClasses;
    // Those that were taken in advance, four classes at a look; mostly there are no others.
    constexpr SizeClass kLook = sizeof(uint64_t) / sizeof *untouched_;
    static_assert(kClasses % kLook == 0);
    Units in_advance;
    for (SizeClass from = 0; from < kClasses; from += kLook) {
        uint64_t any;
        memcpy(&any, untouched_ + from, sizeof any);
        for (SizeClass other = from; any && other < from + kLook; ++other) {
            in_advance += untouched_[other] * kSizeClasses[other].units;
            if (untouched_[other] && fits(other)) found = other;
        }
    }
    const bool others = empty_units_ != in_advance;
    for (SizeClass other = 0; others && other < kClasses && found == kClasses; ++other)
        if (fits(other)) found = other;
    if (found < kClasses) {
        const OwnRun run = dissolve(*classes_[found].list(SlabState::kEmpty));
        enter_slab({run.at, run.zeroed, run.backed}, c);
        dissolve_empty(Empty::kAny, max(ahead_most(), length), c);
        return true;
    }
    if (others) dissolve_empty(Empty::kBegun, {}, c);
    return false;
}

Slab* Heap::make_slab(SizeClass c) {
    const uint32_t before = made_;
    bool made = empty_units_ != Units{} && convert_empty(c);
    if (!made) made = take_slabs(c) > 0;
    if (!made && empty_units_ != Units{}) {
        dissolve_empty();
        made = take_slabs(c) > 0;
    }
    if (made_ / kSweepEvery != before / kSweepEvery) sweep_when_grown();
    return made ? classes_[c].list(SlabState::kEmpty) : nullptr;
}

void Heap::enter_slab(const Run& run, SizeClass c) {
    const SizeClassInfo& info = kSizeClasses[c];
    const size_t first = unit_of(run.at);
    for (size_t unit = first; unit < first + info.units.count(); ++unit) {
        Slab& any = *static_cast<Slab*>(record_of(unit));
        any.behind = static_cast<uint8_t>(unit - first);
    }
    Slab& slab = *static_cast<Slab*>(record_of(first));
    slab.free = nullptr;
    slab.set_carved(0);
    slab.used = 0;
    slab.away = slab.punched = 0;
    slab.size_class = static_cast<uint8_t>(c);
    slab.zeroed = run.zeroed;
    slab.cold = slab.far = false;
    slab.at_a_time = run.backed ? Slab::kBacked : 0;
    slab.remote.store(0, std::memory_order_relaxed);
    claim(slab);
    ++made_;
}

Slab* Heap::slab_with_room(SizeClass c) {
    if (!door().mail.empty()) drain_mail();
    Slab* slab = own_slab(c);
    if (!slab) slab = orphans.take_slab(c, *this);
    if (!slab) slab = make_slab(c);
    return slab;
}

Slab* Heap::own_slab(SizeClass c) {
    Slab* const partial = classes_[c].list(SlabState::kPartial);
    return partial ? partial : classes_[c].list(SlabState::kEmpty);
}

void Heap::after_take(Slab& slab) {
    if (slab.state == SlabState::kPartial && !slab.exhausted())
        return expect_none(&slab, [&] { return fault_of_linked(slab, *this); });
    unlink(slab);
    link(slab);
}

namespace {

// The front of a free list goes into these slots, one at least; what is left of it.
template <bool kFar>
[[gnu::always_inline]] inline Object* unlist(const Slab& slab, Object* object, Object** slot, Object** end) {
    do {
        expect(object, "a free list that leads elsewhere", [&] { return slab.is_object(object); });
        *slot = object;
        if (kFar) __builtin_prefetch(ahead_of(object), 1);
        object = object->next;
    } while (++slot < end);
    return object;
}

// Objects that another processor freed: the lines of all come at once, not one after the other as the list is followed.
// Not where many are in use, since other threads may be writing to these.
void fetch_free(const Slab& slab) {
    if (slab.free_count() < slab.carved() / 2u) return;
    const size_t step = slab.info().size < kLine ? kLine : slab.info().size;
    const char* const end = slab.begin() + size_t{slab.carved()} * slab.info().size;
    size_t left = kFetchMost;
    for (const char* at = slab.begin(); at < end && left > 0; at += step, --left)
        __builtin_prefetch(at, 1);
}

}  // namespace

// The front of the slab's free list.
Batch Heap::take_free(Slab& slab, Object** end, uint32_t room) {
    const size_t free = slab.free_count();
    const uint32_t count = free < room ? static_cast<uint32_t>(free) : room;
    Object* const first = slab.free;
    if (slab.cold) [[unlikely]] {
        fetch_free(slab);
        slab.cold = false;
    }
    if (slab.far) [[unlikely]] {
        slab.free = unlist<true>(slab, first, end - count, end);
        slab.far = slab.free != nullptr;
    } else {
        slab.free = unlist<false>(slab, first, end - count, end);
    }
    slab.used = static_cast<uint16_t>(slab.used + count);
    classes_[slab.size_class].used += count;
    expect_none(&slab, [&] { return fault_of_counts(slab); });
    return {count, false, first};
}

// A slab that is not exhausted has objects in one of three places.
Batch Heap::take_of(Slab& slab, Object** end, uint32_t room) {
    if (!slab.free && slab.carved() == slab.info().objects) {
        counters(slab.size_class).touched -= slab.touched();
        fill_hole(slab);
        counters(slab.size_class).touched += slab.touched();
    }
    return slab.free ? take_free(slab, end, room) : carve(slab, end, room);
}

Batch Heap::take(SizeClass c, Object** end, uint32_t room) {
    Slab* slab = slab_with_room(c);
    if (!slab) return {};
    const Batch batch = take_of(*slab, end, room);
    after_take(*slab);
    counters(c).filled += batch.count;
    return batch;
}

Batch Heap::take_one(SizeClass c) {
    Slab* slab = slab_with_room(c);
    return slab ? take_one_of(*slab) : Batch{};
}

Batch Heap::take_one_of(Slab& slab) {
    Object* slot[1];
    const Batch batch = take_of(slab, slot + 1, 1);
    after_take(slab);
    if (batch.count == 0) return {};
    counters(slab.size_class).filled += 1;
    return batch;
}

namespace {

const char* fault_of_dissolving(const Slab& slab) {
    if (slab.used != 0) return "a slab dissolved with objects in use";
    if (posted(slab)) return "a slab dissolved that is on a mail";  // R2
    return holes_agree(slab) ? nullptr : "a slab dissolved with holes";
}

}  // namespace

// Off the books of this heap; its run is still to be given back.
OwnRun Heap::dissolve(Slab& slab) {
    leave(slab);
    forget_holes(slab);
    expect_none(&slab, [&] { return fault_of_dissolving(slab); });
    slab.owner.store(kNoHeap, std::memory_order_relaxed);
    return {slab.begin(), slab.info().units, slab.zeroed && slab.carved() == 0,
            slab.at_a_time == Slab::kBacked};
}

void Heap::give_back(const OwnRun* runs, size_t count) {
    bool unused = false;
    for (size_t i = 0; i < count; ++i)
        unused |= slab_of(runs[i].at)->carved() == 0;
    if (unused && doublings_ > 0) --doublings_;
    give_runs(runs, count);
}

// Several at one hold of the lock of the runs; those of the class that is at work come last.
void Heap::dissolve_empty(Empty which, Units left, SizeClass last) {
    OwnRun runs[kAtOnceMost];
    size_t count = 0;
    for (SizeClass i = 1; i <= kClasses && empty_units_ > left; ++i) {
        Slab* slab = classes_[(last + i) % kClasses].list(SlabState::kEmpty);
        while (slab && empty_units_ > left) {
            Slab* const next = slab->next;
            if (which == Empty::kAny || slab->carved() > 0) runs[count++] = dissolve(*slab);
            slab = next;
            if (count < kAtOnceMost) continue;
            give_back(runs, count);
            count = 0;
        }
    }
    if (count > 0) give_back(runs, count);
}

void Heap::settle(Slab& slab) {
    unlink(slab);
    link(slab);
    expect_none(&slab, [&] { return fault_of_linked(slab, *this); });
    if (slab.used == 0 && (empty_units_ > empty_limit() || id_ == kOrphanHeap))
        dissolve_some(slab.size_class);
}

void Heap::settle_and_unlock(Slab& slab) {
    settle(slab);
    door().lock.unlock_unwaited();
}

void Heap::give_one_waiting(Slab& slab, Object* object) {
    const HeapGuard guard(*this);
    give(slab, object);
}

void Heap::dissolve_some(SizeClass last) {
    const Units most = id_ == kOrphanHeap ? Units{} : empty_limit();
    dissolve_empty(Empty::kAny, most - min(most / 2, Units{kAtOnceMost}), last);
}

bool Heap::is_sparse(SizeClass c) const {
    const size_t free = room(c) - used(c);
    return free > used(c) / kSparseShare && free * kSizeClasses[c].size > kSparseLeast;
}

}  // namespace tarn
