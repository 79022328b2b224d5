// SPDX-License-Identifier: MIT
// Heap: the owner of slabs. Each thread that allocates holds one; the orphan heap holds the slabs of threads
// that have ended and is used under its lock.
//
// Every slab of a heap is on one list of its class: partial, full or empty (slab.h). A heap's functions are
// for who has the lock of its door: the holder, which takes it on each cold path and finds it free, or
// whoever collects what other threads freed into the heap of one that is blocked. Bins are the holder's
// alone.
#pragma once
#include <atomic>
#include <cstdint>

#include "base/lock.h"
#include "base/published.h"
#include "heap/remote.h"
#include "heap/slab.h"

namespace tarn {

inline constexpr size_t kHeapsMax = size_t{40} << 10;

// What a bin got, or a single object.
struct Batch {
    uint32_t count = 0;       // 0: out of memory
    bool zeroed = false;      // all bytes of these objects but their two words read as zero
    Object* first = nullptr;  // the one to be used first
};

class Heap;

// What others touch of a heap, and what is known of it by its id. Apart from the heap and never given back: a thread
// may still be about to post.
struct alignas(64) HeapDoor {
    Lock lock;                      // unlocked by unlock_unwaited(): who else wants it waits by lock_within()
    Mail mail;                      // remote.h
    std::atomic<bool> held{false};  // by a thread that lives, or did not tell that it ended
    Heap* heap = nullptr;           // set once
    void* cache = nullptr;          // what the layer above has it in; set once
    uintptr_t thread = 0;           // the holder's thread pointer; for the layer above
    bool forking = false;           // the holder has taken the lock for the time of a fork
    bool lost = false;              // its thread ended in the middle of a cold end: nobody goes in again
};
// By id, for whoever finds one in a slab or counts up to heap_count(). In chunks, since few processes need more than
// the first; a chunk is there before the first id of it.
inline constexpr size_t kDoorsAtATime = 512;
extern HeapDoor* door_chunks[kHeapsMax / kDoorsAtATime];
inline HeapDoor& heap_door(HeapId id) {
    return door_chunks[id / kDoorsAtATime][id % kDoorsAtATime];
}

// Written with the lock held; read by anyone for statistics.
struct ClassCounters {
    Published filled;        // objects that went into the bin from slabs
    Published flushed;       // objects that went from the bin back to slabs
    Published fresh;         // of those filled, carved
    Published remote_frees;  // freed by this holder for another heap
    Published slabs;         // now
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

    // Objects of one class: of a partial slab's free list, else carved up to the end of the page that the
    // first of them touches, `room` at most; asks orphans, then the run supply, for slabs. They are written
    // before `end`, the one to be used last nearest to it.
    Batch take(SizeClass c, Object** end, uint32_t room);
    // A single object, for bins that hold nothing.
    Batch take_one(SizeClass c);
    // A freed object of one of this heap's slabs. It carries the mark already.
    void give(Slab& slab, Object* object) {
        object->next = slab.free;
        slab.free = object;
        if (--slab.used == 0 || slab.state == SlabState::kFull) settle(slab);
    }
    // The rest of give when an object came back to an empty or full slab.
    [[gnu::noinline]] void settle(Slab& slab);

    // Collects what other threads freed.
    void drain_mail();
    // Returns slabs kept empty for reuse.
    void release_empty();
    // Gives back pages of partial slabs on which every object is free (holes.cpp); bytes.
    size_t punch_holes();

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
        ClassCounters counters;

        Slab*& list(SlabState state) { return lists[static_cast<size_t>(state) - 1]; }
    };

    Batch take_one_of(Slab& slab);
    void hand_over(Slab& slab, Heap& to);  // with the orphan lock held, one of the two being the orphans'
    Slab* slab_with_room(SizeClass c);
    Slab* own_slab(SizeClass c);
    Slab* make_slab(SizeClass c);
    Batch take_free(Slab& slab, Object** end, uint32_t room);
    Batch carve(Slab& slab, Object** end, uint32_t room);
    Batch take_of(Slab& slab, Object** end, uint32_t room);
    void absorb(Slab& slab, const RemoteChain& chain);
    void after_take(Slab& slab);
    void release(Slab& slab);
    void claim(Slab& slab);  // owner, entries and list become this heap's
    void link(Slab& slab);
    void unlink(Slab& slab);
    Slab*& list_of(const Slab& slab);
    Slab* open_mail();
    void forget_slabs();

    HeapId id_ = kNoHeap;
    Entry first_entry_ = 0;
    uintptr_t marks_ = 0;
    size_t empty_units_ = 0;  // of the slabs on the lists of empty ones
    ClassHeap classes_[kClasses];
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

// Puts a slab on its owner's mail (remote.h). Nobody calls it but who set posted or took the slab off a mail.
void post_slab(Slab& slab);
void post_slabs(Slab* first);  // a list of them, linked by next_mail

// The heaps by id, for whoever finds an id in a slab. Set once per id.
Heap* heap_of(HeapId id);
// A new id for this heap; kNoHeap when there are kHeapsMax already.
HeapId register_heap(Heap& heap);
HeapId heap_count();  // ids 1 .. heap_count() - 1 have been given out

// A freed object whose slab is not the caller's. `mine` may be NULL. The object carries the mark already.
void free_remote(Slab& slab, Object* object, Heap* mine);

// The orphan heap; its functions take the lock.
class Orphans {
  public:
    // A partial slab of this class, now the taker's; NULL when there is none.
    Slab* take_slab(SizeClass c, Heap& taker);
    // Frees an object of a slab that may be the orphans'. False when it is somebody else's by now.
    bool free(Slab& slab, Object* object, Heap* mine);
    // For threads that are past having a heap.
    Batch take_one(SizeClass c);
    // What was freed remotely into a slab that was posted. False when it is somebody else's by now.
    bool absorb(Slab& slab);
    size_t slabs();
    // Returns what is free; bytes of the holes, if they are wanted.
    size_t collect(bool holes);

    Lock lock;
    Heap heap;

  private:
    bool take_over(Slab& slab, Object* object, Heap& taker);
};
extern Orphans orphans;

void start_heaps();

// In the child of a fork made while other threads ran: every slab but the survivor's becomes an orphan, after
// its lists were checked, since the other threads may have been at work on them. Mail is read again. The survivor
// may be a signal handler over what it does to a heap: then its door lock says so, and that heap is left as it is,
// its own or another one. Not in the middle of what it does to orphans.
void salvage_heaps(Heap* survivor);

// That was not to be done in this process: nobody looks at the heaps of threads that are gone, and what is posted
// to them stays there.
extern std::atomic<bool> unsalvaged;

}  // namespace tarn
