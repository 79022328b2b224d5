// SPDX-License-Identifier: MIT
#include "heap/orphans.h"

#include "base/message.h"
#include "heap/sound.h"

namespace tarn {

constinit Orphans orphans;

namespace {

// So often a slab that is sent on comes back only if what remote.h says does not hold.
constexpr int kTurnsMost = 1 << 20;

constexpr size_t kSpareShare = 4;                  // of the used objects of a class: so many free ones stay
constexpr size_t kSpareLeast = size_t{128} << 10;  // bytes
constexpr size_t kShedMost = 256;                  // slabs looked at

}  // namespace

void start_heaps() {
    orphans.heap.open(kOrphanHeap, reinterpret_cast<uintptr_t>(&orphans), kOrphanEntry);
    heap_door(kOrphanHeap).heap = &orphans.heap;
}

namespace {

// As a list.
Slab* one(Slab& slab) {
    slab.next_mail = nullptr;
    return &slab;
}

void add(Slab*& list, Slab* more) {
    while (more) {
        Slab* const next = more->next_mail;
        more->next_mail = list;
        list = more;
        more = next;
    }
}

// R5: nobody will read the mail of a heap that is idle.
Slab* mail_left_behind(HeapDoor& door) {
    if (orphans.unsalvaged.load(std::memory_order_relaxed)) return nullptr;
    Guard guard(orphans.lock);
    return door.held.load(std::memory_order_seq_cst) ? nullptr : door.mail.take_all();
}

}  // namespace

// Called without the orphan lock, and by nobody but who set `posted` or took the slabs from a mail.
void post_slabs(Slab* list) {
    for (int again = 0; list;) {
        Slab& slab = *list;
        list = slab.next_mail;
        Slab* back = nullptr;
        const HeapId owner = slab.owner.load(std::memory_order_seq_cst);
        if (owner == kOrphanHeap) {
            if (!orphans.absorb(slab)) back = one(slab);
        } else {
            heap_door(owner).mail.post(slab);
            if (!heap_door(owner).held.load(std::memory_order_seq_cst))
                back = mail_left_behind(heap_door(owner));
        }
        if (!back) continue;
        if (++again == kTurnsMost) die(Fault::kInternal, back, "a slab of a heap that nobody holds");
        add(list, back);
    }
}

void post_slab(Slab& slab) {
    post_slabs(one(slab));
}

void free_remote(Slab& slab, Object* object, Heap* mine) {
    if (slab.owner.load(std::memory_order_acquire) == kOrphanHeap && orphans.free(slab, object, mine)) return;
    if (push_remote(slab, object)) post_slab(slab);
}

Slab* Orphans::take_slab(SizeClass c, Heap& taker) {
    // A look without the lock: nothing there is the rule, and a slab missed now is found next time.
    if (heap.counters(c).slabs == 0) return nullptr;
    Guard guard(lock);
    Slab* slab = heap.own_slab(c);
    if (!slab) return nullptr;
    heap.hand_over(*slab, taker);
    return slab;
}

bool Orphans::free(Slab& slab, Object* object, Heap* mine) {
    if (mine) {
        const HeapGuard own(*mine);  // comes before the orphan lock
        return take_over(slab, object, *mine);
    }
    Guard guard(lock);
    if (slab.owner.load(std::memory_order_relaxed) != kOrphanHeap) return false;
    heap.give(slab, object);
    return true;
}

bool Orphans::take_over(Slab& slab, Object* object, Heap& taker) {
    Guard guard(lock);
    if (slab.owner.load(std::memory_order_relaxed) != kOrphanHeap) return false;
    heap.hand_over(slab, taker);
    taker.give(slab, object);
    return true;
}

Batch Orphans::take_one(SizeClass c) {
    Guard guard(lock);
    Slab* slab = heap.own_slab(c);
    if (!slab) slab = heap.make_slab(c);
    return slab ? heap.take_one_of(*slab) : Batch{};
}

bool Orphans::absorb(Slab& slab) {
    Guard guard(lock);
    if (slab.owner.load(std::memory_order_relaxed) != kOrphanHeap) return false;
    heap.absorb(slab, take_remote(slab));
    return true;
}

size_t Orphans::collect(bool holes) {
    Guard guard(lock);
    heap.dissolve_empty();
    return holes ? heap.punch_all() : 0;
}

size_t Orphans::slabs() {
    size_t total = 0;
    for (SizeClass c = 0; c < kClasses; ++c)
        total += heap.counters(c).slabs;
    return total;
}

void Heap::hand_over(Slab& slab, Heap& to) {
    expect(&slab, "a slab that changes hands without the orphan lock", [&] {  // R3
        const bool alone = orphans.lock.is_mine() || orphans.unsalvaged.load(std::memory_order_relaxed);
        return alone && (id_ == kOrphanHeap) != (to.id_ == kOrphanHeap);
    });
    leave(slab);
    slab.cold = true;
    to.claim(slab);
}

namespace {

// With the orphan lock held.
void set_held(HeapDoor& door, bool held) {
    if (door.held.exchange(held, std::memory_order_seq_cst) != held)
        orphans.holders += held ? 1 : uint32_t(-1);
}

}  // namespace

void Heap::retire() {
    Slab* elsewhere = nullptr;
    dissolve_empty();  // before everybody waits for the lock
    lately_ = {};
    doublings_ = 0;
    {
        Guard guard(orphans.lock);
        for (ClassHeap& c : classes_) {
            for (Slab*& list : c.lists) {
                while (Slab* slab = list) {
                    hand_over(*slab, orphans.heap);
                    orphans.heap.settle(*slab);
                }
            }
        }
        expect_none(this, [&] { return fault_of_emptiness(*this); });
        set_held(door(), false);
        elsewhere = door().mail.take_all();
    }
    post_slabs(elsewhere);
}

bool Heap::has_to_spare(SizeClass c) const {
    const size_t free = room(c) - used(c);
    return free > used(c) / kSpareShare && free * kSizeClasses[c].size > kSpareLeast;
}

void Heap::shed(SizeClass c) {
    const size_t half = kSizeClasses[c].objects / 2;
    Guard guard(orphans.lock);
    Slab* slab = classes_[c].list(SlabState::kPartial);
    for (size_t left = kShedMost; slab && left > 0 && has_to_spare(c); --left) {
        Slab* const next = slab->next;
        if (slab->used < half) hand_over(*slab, orphans.heap);
        slab = next;
    }
}

void Heap::revive() {
    Guard guard(orphans.lock);
    set_held(door(), true);
}

}  // namespace tarn
