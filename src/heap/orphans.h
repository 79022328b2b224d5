// SPDX-License-Identifier: MIT
// Slabs that change hands: of threads that have ended, or have them to spare, and whose owner is not the one who frees.
// remote.h has the rules (R1 to R5). The orphan lock is taken before the run supply's.
#pragma once
#include "heap/heap.h"

namespace tarn {

// Puts a slab on its owner's mail (remote.h). Nobody calls it but who set posted or took the slab off a mail.
void post_slab(Slab& slab);
void post_slabs(Slab* first);  // a list of them, linked by next_mail

// A freed object whose slab is not the caller's. `mine` may be NULL. The object carries the mark already.
void free_remote(Slab& slab, Object* object, Heap* mine);

// The orphan heap. Its functions take the lock; they are members, since they need what Heap has for itself.
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

    Lock lock{LockRank::kOrphans};
    // Heaps that are held. Written with the lock held, read by anyone.
    std::atomic<uint32_t> holders{0};
    // salvage_heaps was not to be called in this process: nobody looks at the heaps of threads that are gone, and what
    // is posted to them stays there. Written in the child of a fork (caches.cpp).
    std::atomic<bool> unsalvaged{false};
    Heap heap;

  private:
    bool take_over(Slab& slab, Object* object, Heap& taker);
};
extern Orphans orphans;

// Opens the orphan heap.
void start_heaps();

// salvage.cpp. In the child of a fork made while other threads ran: every slab but the survivor's becomes an orphan,
// after its lists were checked, since the other threads may have been at work on them. Mail is read again. The
// survivor may be a signal handler over what it does to a heap: then its door lock says so, and that heap is left as
// it is, its own or another one. Not in the middle of what it does to orphans.
void salvage_heaps(Heap* survivor);

}  // namespace tarn
