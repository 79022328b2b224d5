// SPDX-License-Identifier: MIT
// Slabs that change hands: a heap retires, an orphan slab is taken over, an object is freed by another
// thread, a slab is posted. remote.h has the rules (R1 to R5). The orphan lock is taken before the run
// supply's.
#include "heap/heap.h"

namespace tarn {

constinit Orphans orphans;

namespace {

constinit Heap* heaps[kHeapsMax];
constinit std::atomic<HeapId> next_id{kOrphanHeap + 1};

}  // namespace

Heap* heap_of(HeapId id) {
    return heaps[id];
}
HeapId heap_count() {
    return next_id.load(std::memory_order_acquire);
}

HeapId register_heap(Heap& heap) {
    Guard guard(orphans.lock);
    const HeapId id = next_id.load(std::memory_order_relaxed);
    if (id == kHeapsMax) return kNoHeap;
    heaps[id] = &heap;
    next_id.store(id + 1, std::memory_order_release);
    return id;
}

void start_heaps() {
    orphans.heap.open(kOrphanHeap, reinterpret_cast<uintptr_t>(&orphans), kOrphanEntry);
    heaps[kOrphanHeap] = &orphans.heap;
}

// Called without the orphan lock, and by nobody but who set `posted` or took the slab from a mail.
void post_slab(Slab& slab) {
    for (;;) {
        const HeapId owner = slab.owner.load(std::memory_order_seq_cst);
        if (owner == kOrphanHeap) {
            Guard guard(orphans.lock);
            if (slab.owner.load(std::memory_order_relaxed) != kOrphanHeap) continue;
            orphans.heap.absorb(slab, take_remote(slab));
            return;
        }
        Heap& heap = *heaps[owner];
        heap.mail_.post(slab);
        if (!heap.idle()) return;
        // R5: nobody will read that mail.
        Slab* left = nullptr;
        {
            Guard guard(orphans.lock);
            if (heap.idle()) left = heap.mail_.take_all();
        }
        post_slabs(left);
        return;
    }
}

void post_slabs(Slab* first) {
    while (first) {
        Slab* const next = first->next_mail;
        post_slab(*first);
        first = next;
    }
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
    Guard guard(lock);
    if (slab.owner.load(std::memory_order_relaxed) != kOrphanHeap) return false;
    if (mine) {
        heap.hand_over(slab, *mine);
        mine->give(slab, object);
    } else {
        heap.give(slab, object);
    }
    return true;
}

Batch Orphans::take_one(SizeClass c) {
    Guard guard(lock);
    Slab* slab = heap.own_slab(c);
    if (!slab) slab = heap.make_slab(c);
    return slab ? heap.take_one_of(*slab) : Batch{};
}

size_t Orphans::slabs() {
    size_t total = 0;
    for (SizeClass c = 0; c < kClasses; ++c)
        total += heap.counters(c).slabs;
    return total;
}

void Heap::hand_over(Slab& slab, Heap& to) {
    unlink(slab);
    counters(slab.size_class).slabs -= 1;
    to.claim(slab);
}

void Heap::retire() {
    Slab* elsewhere = nullptr;
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
        held_.store(false, std::memory_order_seq_cst);
        elsewhere = mail_.take_all();
    }
    post_slabs(elsewhere);
}

void Heap::revive() {
    Guard guard(orphans.lock);
    held_.store(true, std::memory_order_seq_cst);
}

namespace {

constexpr size_t kUnsound = SIZE_MAX;

// The length of a chain, or kUnsound when one link does not hold, since then none can be trusted.
size_t sound_length(const Slab& slab, const Object* head, size_t at_most) {
    size_t length = 0;
    for (const Object* object = head; object; object = object->next) {
        if (unit_of(object) - slab.first >= slab.info().units) return kUnsound;
        if (length == at_most || slab.index_of(object) >= slab.carved()) return kUnsound;
        ++length;
    }
    return length;
}

// What a thread that is gone may have left half done: a list that is not sound is given up, and its objects
// stay counted as used.
void make_sound(Slab& slab) {
    if (slab.carved() > slab.info().objects) slab.set_carved(slab.info().objects);
    if (slab.used > slab.carved() || sound_length(slab, slab.free, slab.free_count()) != slab.free_count()) {
        slab.free = nullptr;
        slab.used = slab.carved();
    }
    slab.zeroed = false;
}

// A slab begins here, and all its units have its entry. Else the thread that set or cleared entries did not
// come to the end; then no object of the slab is in use.
bool is_whole_slab(size_t unit) {
    const Slab& slab = *static_cast<Slab*>(record_of(unit));
    if (slab.first != unit || slab.size_class >= kClasses) return false;
    const size_t end = unit + slab.info().units;
    if (end > committed_units()) return false;
    for (size_t i = unit + 1; i < end; ++i) {
        if (!is_slab_entry(entry_of(i))) return false;
        if (static_cast<Slab*>(record_of(i))->first != unit) return false;
    }
    return true;
}

}  // namespace

void Heap::forget_slabs() {
    for (ClassHeap& c : classes_) {
        for (Slab*& list : c.lists)
            list = nullptr;
        c.counters.slabs = 0;
    }
    empty_units_ = 0;
}

void salvage_heaps(Heap* survivor) {
    orphans.lock.reset();
    orphans.heap.forget_slabs();
    for (HeapId id = kOrphanHeap; id < heap_count(); ++id) {
        heaps[id]->mail_.take_all();
        if (id == kOrphanHeap || heaps[id] == survivor) continue;
        heaps[id]->held_.store(false, std::memory_order_relaxed);
        heaps[id]->forget_slabs();
    }
    size_t units;
    for (size_t unit = 0; unit < committed_units(); unit += units) {
        units = 1;
        if (!is_slab_entry(entry_of(unit))) continue;
        if (!is_whole_slab(unit)) {
            give_run(unit_address(unit), 1);
            continue;
        }
        Slab& slab = *static_cast<Slab*>(record_of(unit));
        units = slab.info().units;
        RemoteChain chain = take_remote(slab);
        const bool mine = survivor && slab.owner.load(std::memory_order_relaxed) == survivor->id();
        if (!mine) {
            make_sound(slab);
            orphans.heap.claim(slab);
        }
        if (chain.count > slab.used || sound_length(slab, chain.head, chain.count) != chain.count) chain = {};
        // Who was to write it down may not have come to that.
        for (chain.tail = chain.head; chain.tail && chain.tail->next;)
            chain.tail = chain.tail->next;
        (mine ? *survivor : orphans.heap).absorb(slab, chain);
    }
}

}  // namespace tarn
