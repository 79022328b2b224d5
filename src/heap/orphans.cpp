// SPDX-License-Identifier: MIT
// Slabs that change hands: a heap retires, an orphan slab is taken over, an object is freed by another
// thread, a slab is posted. remote.h has the rules (R1 to R5). The orphan lock is taken before the run
// supply's.
#include "base/message.h"
#include "heap/heap.h"
#include "heap/holes.h"

namespace tarn {

constinit Orphans orphans;
constinit std::atomic<bool> unsalvaged{false};

namespace {

// So often a slab that is sent on comes back only if what remote.h says does not hold.
constexpr int kTurnsMost = 1 << 20;
constinit std::atomic<HeapId> next_id{kOrphanHeap + 1};
constinit HeapDoor first_doors[kDoorsAtATime];

}  // namespace

constinit HeapDoor* door_chunks[kHeapsMax / kDoorsAtATime] = {first_doors};

Heap* heap_of(HeapId id) {
    return heap_door(id).heap;
}
HeapId heap_count() {
    return next_id.load(std::memory_order_acquire);
}

HeapId register_heap(Heap& heap) {
    Guard guard(orphans.lock);
    const HeapId id = next_id.load(std::memory_order_relaxed);
    if (id == kHeapsMax) return kNoHeap;
    HeapDoor*& doors = door_chunks[id / kDoorsAtATime];
    if (!doors) doors = static_cast<HeapDoor*>(owner_memory(kDoorsAtATime * sizeof(HeapDoor)));
    if (!doors) return kNoHeap;
    heap_door(id).heap = &heap;
    next_id.store(id + 1, std::memory_order_release);
    return id;
}

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
    if (unsalvaged.load(std::memory_order_relaxed)) return nullptr;
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
    heap.release_empty();
    return holes ? heap.punch_holes() : 0;
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
        door().held.store(false, std::memory_order_seq_cst);
        elsewhere = door().mail.take_all();
    }
    post_slabs(elsewhere);
}

void Heap::revive() {
    Guard guard(orphans.lock);
    door().held.store(true, std::memory_order_seq_cst);
}

namespace {

constexpr size_t kUnsound = SIZE_MAX;

// The length of a chain, or kUnsound when one link does not hold, since then none can be trusted.
size_t sound_length(const Slab& slab, const Object* head, size_t at_most) {
    size_t length = 0;
    for (const Object* object = head; object; object = object->next) {
        if (unit_of(object) - slab.first_unit() >= slab.info().units) return kUnsound;
        if (length == at_most || slab.index_of(object) >= slab.carved()) return kUnsound;
        ++length;
    }
    return length;
}

// What a thread that is gone may have left half done: a list that is not sound is given up, and its objects
// stay counted as used.
void make_sound(Slab& slab) {
    if (slab.carved() > slab.info().objects) slab.set_carved(slab.info().objects);
    if (!holes_agree(slab) || slab.used + slab.away > slab.carved() ||
        sound_length(slab, slab.free, slab.free_count()) != slab.free_count()) {
        clear_holes(slab);
        slab.free = nullptr;
        slab.used = slab.carved();
    }
    slab.zeroed = false;
}

// A slab begins here, and all its units have its entry. Else the thread that set or cleared entries did not
// come to the end; then no object of the slab is in use.
bool is_whole_slab(size_t unit, size_t window_end) {
    const Slab& slab = *static_cast<Slab*>(record_of(unit));
    if (slab.behind != 0 || slab.size_class >= kClasses) return false;
    const size_t end = unit + slab.info().units;
    if (end > window_end) return false;
    for (size_t i = unit + 1; i < end; ++i) {
        if (!is_slab_entry(entry_of(i))) return false;
        if (static_cast<Slab*>(record_of(i))->behind != i - unit) return false;
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

// This thread is a signal handler over what it does to the heap.
bool left_alone(HeapId id) {
    return id < heap_count() && heap_door(id).lock.is_mine();
}

// The slab that begins at this unit goes to the orphans unless it is the survivor's; its remote word is read.
void salvage_slab(Slab& slab, Heap* survivor) {
    const HeapId owner = slab.owner.load(std::memory_order_relaxed);
    if (left_alone(owner)) return;
    RemoteChain chain = take_remote(slab);
    const bool mine = survivor && owner == survivor->id();
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

// What has some entries of a slab is on its way to somebody or back: to be given back, unless it may be this thread
// that does it.
enum class Parts : bool { kGiven, kLeft };

void salvage_window(UnitRange range, Heap* survivor, Parts parts) {
    size_t units;
    for (size_t unit = range.first; unit < range.end; unit += units) {
        units = 1;
        if (!is_slab_entry(entry_of(unit))) continue;
        if (!is_whole_slab(unit, range.end)) {
            if (parts == Parts::kGiven) give_run(unit_address(unit), 1);
            continue;
        }
        Slab& slab = *static_cast<Slab*>(record_of(unit));
        units = slab.info().units;
        salvage_slab(slab, survivor);
    }
}

void salvage_heaps(Heap* survivor) {
    Parts parts = Parts::kGiven;
    orphans.heap.forget_slabs();
    for (HeapId id = kOrphanHeap; id < heap_count(); ++id) {
        heap_door(id).mail.take_all();
        if (left_alone(id)) parts = Parts::kLeft;
        if (id == kOrphanHeap || heap_door(id).heap == survivor || left_alone(id)) continue;
        heap_door(id).held.store(false, std::memory_order_relaxed);
        heap_door(id).heap->forget_slabs();
    }
    for (size_t window = 0; window < window_count(); ++window)
        salvage_window(window_units(window), survivor, parts);
}

}  // namespace tarn
