// SPDX-License-Identifier: MIT
// Heap: the owner of slabs. Each thread that allocates holds one; the orphan heap holds the slabs that no
// thread has, and is used under its lock.
//
// Every slab of a heap is on one list of its class: partial, full or empty (slab.h). A heap's functions are
// for who has the lock of its door: the holder, which takes it on each cold path and finds it free, or
// whoever collects what other threads freed into the heap of one that is blocked. Bins are the holder's
// alone.
#pragma once
#include <atomic>
#include <cstdint>

#include "base/expect.h"
#include "base/published.h"
#include "heap/door.h"
#include "heap/holes.h"
#include "heap/remote.h"
#include "heap/slab.h"
#include "os/lock.h"

namespace tarn {

// What a bin got, or a single object.
struct Batch {
    uint32_t count = 0;       // 0: out of memory
    bool zeroed = false;      // all bytes of these objects but their two words read as zero
    Object* first = nullptr;  // the one to be used first
};

// Written with the lock held; read by anyone for statistics.
struct ClassCounters {
    Published filled;        // objects that went into the bin from slabs
    Published flushed;       // objects that went from the bin back to slabs
    Published fresh;         // of those filled, carved
    Published remote_frees;  // freed by this holder for another heap
    Published slabs;         // now
    Published touched;       // objects of these slabs that were carved and whose pages have not gone back
};

// Half a millisecond's work, since the holder may be waiting.
struct SweepBudget {
    unsigned slabs = 1024, calls = 256;
};

class Heap {
  public:
    constexpr Heap() = default;

    // Before first use. Page map entries of class c are first_entry + c * kMarkStep, and free objects are
    // marked with marks + c * kMarkStep + their own address; the orphans' have one entry for all.
    static constexpr unsigned kMarkStep = 32;
    void open(HeapId id, uintptr_t marks, Entry first_entry);

    HeapId id() const { return id_; }
    // What a free object of the class carries: the address of the holder's bin, which no program knows, and
    // its own, so that no copy of it says anything of another object.
    uintptr_t mark(SizeClass c, const void* object) const {
        return marks_ + c * kMarkStep + reinterpret_cast<uintptr_t>(object);
    }
    Entry entry(SizeClass c) const {
        return id_ == kOrphanHeap ? kOrphanEntry : first_entry_ + static_cast<Entry>(c * kMarkStep);
    }
    HeapDoor& door() const;
    bool idle() const;
    const ClassCounters& counters(SizeClass c) const { return classes_[c].counters; }
    ClassCounters& counters(SizeClass c) { return classes_[c].counters; }
    // The list of this state, and what is counted of the empty ones: for who looks whether they are sound.
    const Slab* first(SizeClass c, SlabState state) const {
        return classes_[c].lists[static_cast<size_t>(state) - 1];
    }
    Units units() const { return units_; }
    Units empty_units() const { return empty_units_; }
    // Slabs of the class of which no object was ever handed out: they were taken in advance.
    size_t untouched(SizeClass c) const { return untouched_[c]; }
    // The others; objects of these that are used, and for how many there is room.
    size_t begun(SizeClass c) const { return classes_[c].counters.slabs - untouched_[c]; }
    size_t used(SizeClass c) const { return classes_[c].used; }
    size_t room(SizeClass c) const { return begun(c) * kSizeClasses[c].objects; }
    // Far more memory of the class lies free in its slabs than is used.
    bool is_sparse(SizeClass c) const;

    // Objects of one class: of a partial slab's free list, else carved up to the end of the page that the
    // first of them touches, `room` at most; asks orphans, then the run supply, for slabs. They are written
    // before `end`, the one to be used last nearest to it.
    Batch take(SizeClass c, Object** end, uint32_t room);
    // A single object, for bins that hold nothing.
    Batch take_one(SizeClass c);
    // Freed objects of one of this heap's slabs, linked from `first` to `last`. They carry the mark already.
    void give(Slab& slab, Object* first, Object* last, uint32_t count) {
        put(slab, first, last, count);
        if (is_to_settle(slab)) settle(slab);
    }
    void give(Slab& slab, Object* object) { give(slab, object, object, 1); }
    // The same by the holder, who has not taken the lock.
    void give_one(Slab& slab, Object* object);
    // The rest of give when an object came back to an empty or full slab.
    [[gnu::noinline]] void settle(Slab& slab);

    // Collects what other threads freed.
    void drain_mail();
    // Slabs kept empty for reuse.
    void dissolve_empty() { dissolve_empty(Empty::kAny, {}, 0); }
    // Gives back pages of partial slabs on which every object is free (holes.cpp), because the program asks; bytes.
    size_t punch_all();
    // The same of tarn's own accord, a bounded number of slabs at a time: when much more lies free than the last time; by
    // other threads, besides the empty slabs, when this one's has not been at work since they looked last.
    void sweep_when_grown();
    void tidy_when_idle(SweepBudget& budget);
    void tidy(SweepBudget& budget);

    // Slabs of which most lies free go to the orphans, where any heap that needs one finds them, as long as the class
    // has much more room than it uses. For the holder, none of whose bins has an object of the class.
    bool has_to_spare(SizeClass c) const;
    void shed(SizeClass c);

    // The holder ends: all slabs go to the orphan heap. Bins are empty by now.
    void retire();
    // A new holder.
    void revive();

  private:
    friend class Orphans;
    friend void salvage_slab(Slab& slab, Heap* survivor);
    friend void salvage_heaps(Heap* survivor);

    struct ClassHeap {
        Slab* lists[kSlabLists] = {};  // by state, without kNone
        size_t used = 0;               // objects
        ClassCounters counters;

        Slab*& list(SlabState state) { return lists[static_cast<size_t>(state) - 1]; }
    };

    [[gnu::always_inline]] void put(Slab& slab, Object* first, Object* last, uint32_t count) {
        expect(first, "objects given back to a slab that is not their own", [&] {
            return slab.used >= count && slab.is_object(first) && slab.is_object(last) &&
                   slab.owner.load(std::memory_order_relaxed) == id_;
        });
        last->next = slab.free;
        slab.free = first;
        slab.used = static_cast<uint16_t>(slab.used - count);
        classes_[slab.size_class].used -= count;
    }
    static bool is_to_settle(const Slab& slab) { return slab.used == 0 || slab.state == SlabState::kFull; }
    [[gnu::noinline]] void give_one_waiting(Slab& slab, Object* object);
    [[gnu::noinline]] void settle_and_unlock(Slab& slab);
    Batch take_one_of(Slab& slab);
    void hand_over(Slab& slab, Heap& to);  // with the orphan lock held, one of the two being the orphans'
    Slab* slab_with_room(SizeClass c);
    Slab* own_slab(SizeClass c);
    Slab* make_slab(SizeClass c);
    void enter_slab(const Run& run, SizeClass c);
    bool convert_empty(SizeClass c);
    Units ahead_most() const;
    size_t at_once(SizeClass c) const;
    size_t take_slabs(SizeClass c);
    Batch take_free(Slab& slab, Object** end, uint32_t room);
    bool fills_objects(SizeClass c);
    size_t ahead_of_need(const Slab& slab);
    bool back_whole(Slab& slab, size_t most);
    size_t back(Slab& slab, size_t begin);
    Batch carve(Slab& slab, Object** end, uint32_t room);
    Batch take_of(Slab& slab, Object** end, uint32_t room);
    void absorb(Slab& slab, const RemoteChain& chain);
    void after_take(Slab& slab);
    OwnRun dissolve(Slab& slab);
    void give_back(const OwnRun* runs, size_t count);
    [[gnu::cold, gnu::noinline]] void dissolve_some(SizeClass last);
    // Until so many units are left.
    enum class Empty : bool { kAny, kBegun };
    void dissolve_empty(Empty which, Units left, SizeClass last);
    void claim(Slab& slab);  // owner, entries and list become this heap's
    void link(Slab& slab);
    void unlink(Slab& slab);
    void leave(Slab& slab);
    Slab*& list_of(const Slab& slab);
    Slab* open_mail();
    Punched punch(Slab& slab, Punch how);
    size_t use() const;
    void begin_sweep();
    void sweep(Punch how, SweepBudget& budget);
    void forget_slabs();

    HeapId id_ = kNoHeap;
    Entry first_entry_ = 0;
    uintptr_t marks_ = 0;
    Units units_;                  // of all slabs
    Units lately_;                 // most that were, going down slowly
    Units empty_units_;            // of those on the lists of empty ones
    uint32_t made_ = 0;            // slabs, ever
    uint8_t doublings_ = 0;        // of how many slabs are taken at one hold of the lock of runs
    unsigned sweep_left_ = 0;      // classes, the one that a sweep is at included; 0: there is none
    Slab* sweep_next_ = nullptr;   // a partial slab of that one
    size_t free_when_swept_ = 0;   // bytes that lay free in slabs
    size_t seen_ = 0, swept_ = 0;  // sums over what it has: when others looked last, and swept
    ClassHeap classes_[kClasses];
    uint16_t untouched_[kClasses] = {};  // slabs
    uint8_t until_look_[kClasses] = {};  // slabs, of large objects (carve.cpp)
};

inline HeapDoor& Heap::door() const {
    return heap_door(id_);
}
inline bool Heap::idle() const {
    return !door().held.load(std::memory_order_seq_cst);
}

// The holder's way into its heap. A signal handler over it finds the lock its own and goes in besides: a call of
// malloc there is the program's fault, but it must not wait for itself.
class [[nodiscard]] HeapGuard {
  public:
    explicit HeapGuard(const Heap& heap) : lock_(heap.door().lock) {
        if constexpr (kExpecting)
            if (!lock_.is_mine()) lock_.require_order();
        if (lock_.try_lock()) [[likely]]
            return;
        nested_ = lock_.is_mine();
        if (!nested_) lock_.lock();
    }
    ~HeapGuard() {
        if (!nested_) lock_.unlock_unwaited();
    }
    HeapGuard(const HeapGuard&) = delete;
    HeapGuard& operator=(const HeapGuard&) = delete;

  private:
    Lock& lock_;
    bool nested_ = false;
};

// Calls nothing but as its last step, since each free past a full bin comes here.
[[gnu::always_inline]] inline void Heap::give_one(Slab& slab, Object* object) {
    Lock& lock = door().lock;
    if constexpr (kExpecting)
        if (!lock.is_mine()) lock.require_order();
    if (!lock.try_lock()) [[unlikely]]
        return give_one_waiting(slab, object);
    put(slab, object, object, 1);
    if (is_to_settle(slab)) [[unlikely]]
        return settle_and_unlock(slab);
    lock.unlock_unwaited();
}

}  // namespace tarn
