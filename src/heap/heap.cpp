// SPDX-License-Identifier: MIT
// What the holder of a heap does with its slabs.
#include "heap/heap.h"

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

constexpr size_t kSparseShare = 2;                  // free objects to used ones: half as many
constexpr size_t kSparseLeast = size_t{512} << 10;  // bytes
constexpr uint32_t kSweepEvery = 64;                // slabs made
constexpr size_t kSweepLeast = size_t{8} << 20;     // bytes that came free

Units empty_limit() {
    const uint32_t holders = orphans.holders.load(std::memory_order_relaxed);
    return max(kEmptyUnitsLeast, Units{kEmptyUnitsOfAll.count() / (holders + !holders)});
}

// Objects from `first` to the end of the page it lies in, at least one: no page is touched before its time.
uint32_t objects_in_page(const Object* first, uint32_t size) {
    const size_t room = os::kPageSize - reinterpret_cast<uintptr_t>(first) % os::kPageSize;
    const size_t count = room / size;
    return count < 1 ? 1 : static_cast<uint32_t>(count);
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
    set_entries(slab.first_unit(), slab.info().units, entry(slab.size_class));
    counters(slab.size_class).slabs += 1;
    classes_[slab.size_class].used += slab.used;
    counters(slab.size_class).touched += slab.touched();
    link(slab);
    expect_none(&slab, [&] { return fault_of_units(slab, *this); });
}

Slab* Heap::make_slab(SizeClass c) {
    const SizeClassInfo& info = kSizeClasses[c];
    // What other classes have left empty comes before memory that was never used.
    if (empty_units_ != Units{}) dissolve_empty();
    if (++made_ % kSweepEvery == 0) sweep_when_grown();
    const Run run = take_run(info.units, RunUse::kSlab);
    if (!run.at) return nullptr;
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
    slab.remote.store(0, std::memory_order_relaxed);
    claim(slab);
    return &slab;
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

Batch Heap::carve(Slab& slab, Object** end, uint32_t room) {
    const SizeClassInfo& info = slab.info();
    Object* const first = slab.object(slab.carved());
    uint32_t batch = slab.zeroed ? objects_in_page(first, info.size) : room;
    if (batch > room) batch = room;
    if (batch > info.objects - slab.carved()) batch = info.objects - slab.carved();
    char* object = reinterpret_cast<char*>(first);
    for (Object** slot = end - batch; slot < end; ++slot, object += info.size)
        *slot = reinterpret_cast<Object*>(object);
    slab.set_carved(slab.carved() + batch);
    slab.used = static_cast<uint16_t>(slab.used + batch);
    classes_[slab.size_class].used += batch;
    counters(slab.size_class).fresh += batch;
    counters(slab.size_class).touched += batch;
    expect(&slab, "nothing carved", [&] { return batch > 0; });
    expect_none(&slab, [&] { return fault_of_counts(slab); });
    return {batch, slab.zeroed, first};
}

void Heap::after_take(Slab& slab) {
    if (slab.state == SlabState::kPartial && !slab.exhausted())
        return expect_none(&slab, [&] { return fault_of_linked(slab, *this); });
    unlink(slab);
    link(slab);
}

// The front of the slab's free list.
Batch Heap::take_free(Slab& slab, Object** end, uint32_t room) {
    const size_t free = slab.free_count();
    const uint32_t count = free < room ? static_cast<uint32_t>(free) : room;
    Object* const first = slab.free;
    Object* object = first;
    for (Object** slot = end - count; slot < end; ++slot) {
        expect(object, "a free list that leads elsewhere", [&] { return slab.is_object(object); });
        *slot = object;
        object = object->next;
    }
    slab.free = object;
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

void Heap::dissolve(Slab& slab) {
    expect_none(&slab, [&] { return fault_of_units(slab, *this); });
    unlink(slab);
    counters(slab.size_class).touched -= slab.touched();
    forget_holes(slab);
    expect_none(&slab, [&] { return fault_of_dissolving(slab); });
    counters(slab.size_class).slabs -= 1;
    slab.owner.store(kNoHeap, std::memory_order_relaxed);
    give_run(slab.begin(), slab.info().units);
}

void Heap::settle(Slab& slab) {
    if (slab.used == 0 || slab.state == SlabState::kFull) {
        unlink(slab);
        link(slab);
    }
    expect_none(&slab, [&] { return fault_of_linked(slab, *this); });
    if (slab.used == 0 && (empty_units_ > empty_limit() || id_ == kOrphanHeap)) dissolve(slab);
}

void Heap::absorb(Slab& slab, const RemoteChain& chain) {
    expect(&slab, "a chain from elsewhere that is not sound", [&] {
        return chain.count <= slab.used && sound_length(slab, chain.head, chain.count) == chain.count;
    });
    if (chain.count > 0)
        give(slab, chain.head, chain.tail, chain.count);
    else
        settle(slab);
}

// Collects the mail; the slabs in it that are no longer this heap's, linked by next_mail (R4).
Slab* Heap::open_mail() {
    Slab* elsewhere = nullptr;
    for (Slab* slab = door().mail.take_all(); slab;) {
        Slab* const next = slab->next_mail;  // before take_remote: it may be posted again right after
        expect(slab, "a slab on a mail that is not posted", [&] { return posted(*slab); });  // R1
        if (slab->owner.load(std::memory_order_seq_cst) == id_) {
            absorb(*slab, take_remote(*slab));
        } else {
            slab->next_mail = elsewhere;
            elsewhere = slab;
        }
        slab = next;
    }
    return elsewhere;
}

void Heap::drain_mail() {
    post_slabs(open_mail());
}

void Heap::dissolve_empty() {
    for (ClassHeap& c : classes_) {
        for (Slab* slab = c.list(SlabState::kEmpty); slab;) {
            Slab* const next = slab->next;
            dissolve(*slab);
            slab = next;
        }
    }
}

bool Heap::is_sparse(SizeClass c) const {
    const size_t free = room(c) - used(c);
    return free > used(c) / kSparseShare && free * kSizeClasses[c].size > kSparseLeast;
}

Punched Heap::punch(Slab& slab, Punch punch) {
    const size_t touched = slab.touched();
    const Punched punched = punch_holes(slab, punch);
    counters(slab.size_class).touched -= touched - slab.touched();
    return punched;
}

size_t Heap::punch_all() {
    size_t bytes = 0;
    for (ClassHeap& c : classes_)
        for (Slab* slab = c.list(SlabState::kPartial); slab; slab = slab->next)
            bytes += punch(*slab, Punch::kAsked).bytes;
    return bytes;
}

void Heap::begin_sweep() {
    sweep_left_ = kClasses;
    sweep_next_ = classes_[0].list(SlabState::kPartial);
}

// Goes on with it. What the kernel refuses once it will refuse again.
void Heap::sweep(Punch how, SweepBudget& budget) {
    for (; sweep_left_ > 0;
         sweep_next_ = --sweep_left_ ? classes_[kClasses - sweep_left_].list(SlabState::kPartial) : nullptr) {
        while (Slab* const slab = sweep_next_) {
            if (budget.slabs == 0 || budget.calls == 0) return;
            sweep_next_ = slab->next;
            const Punched punched = punch(*slab, how);
            --budget.slabs;
            budget.calls -= punched.calls < budget.calls ? punched.calls : budget.calls;
            if (!punched.refused) continue;
            sweep_left_ = 0;
            sweep_next_ = nullptr;
            return;
        }
    }
}

// A thread that works out of its bins alone looks idle, too; then a refill brings back what it needs.
void Heap::tidy_when_idle(SweepBudget& budget) {
    size_t sum = made_;
    for (SizeClass c = 0; c < kClasses; ++c)
        sum += (c + 1) * used(c);
    const bool idle = sum == seen_;
    seen_ = sum;
    if (!idle) return;
    dissolve_empty();
    if (swept_ != sum) begin_sweep();
    swept_ = sum;
    if (may_punch()) sweep(Punch::kIdle, budget);
}

void Heap::sweep_when_grown() {
    SweepBudget budget;
    if (sweep_left_ > 0) return sweep(Punch::kGrown, budget);
    size_t free = 0, used_bytes = 0;
    for (SizeClass c = 0; c < kClasses; ++c) {
        free += (room(c) - used(c)) * kSizeClasses[c].size;
        used_bytes += used(c) * kSizeClasses[c].size;
    }
    if (free < free_when_swept_) free_when_swept_ = free;
    if (free < used_bytes / 4 || free < free_when_swept_ + free_when_swept_ / 4 + kSweepLeast) return;
    free_when_swept_ = free;
    if (!may_punch()) return;
    begin_sweep();
    sweep(Punch::kGrown, budget);
}

}  // namespace tarn
