// SPDX-License-Identifier: MIT
// Objects freed by a thread that does not own their slab: the one subtle protocol. tests/model has it for
// spin.
//
// A slab's remote word: | posted : 1 | count : 15 | head : 48 |  head is the address of the object freed
// last, and `next` links the others. A heap's mail is a stack of slabs linked by `next_mail`.
//
//   push   (any thread)  CAS a chain of objects onto the word and set posted. Who finds posted clear
//                        notes the end of the chain in remote_tail, then posts the slab.
//   post   (that thread) puts the slab on the mail of its owner as read *after* the CAS.
//   drain  (who has the lock of the heap's door)  takes the whole mail; of each slab reads next_mail and
//                        remote_tail, then exchanges the word for 0.
//
// What must hold:
//   R1  posted is set  <=>  the slab is on exactly one mail, or one thread is about to put it there.
//       So next_mail and remote_tail have one writer, and a slab is on one list at most. A word without
//       posted has no chain, so that remote_tail is the end of the chain for whoever takes the slab from a
//       mail.
//   R2  A slab with posted set is not dissolved, since its record is in use by R1: what is on the word
//       counts as used, so the slab is not empty.
//   R3  `owner` changes only with the orphan lock held, from a heap to kOrphanHeap by who has the lock of
//       that heap's door, or from kOrphanHeap to a heap by who has the lock of its door.
//   R4  A slab on the mail of a heap that is not its owner is sent on by whoever drains that mail.
//   R5  No mail is left alone: a heap that nobody holds is marked idle *before* its last drain, and who posts
//       looks at idle *after* posting (both sequentially consistent); one of the two sees the other. What R5
//       takes from a mail is never a slab of that heap: an idle heap has none.
#pragma once
#include <atomic>
#include <cstdint>

#include "base/expect.h"
#include "heap/slab.h"

namespace tarn {

struct RemoteChain {
    Object* head;
    Object* tail;
    unsigned count;
};

inline constexpr uint64_t kPosted = uint64_t{1} << 63;

// Puts freed objects on their slab's word. True: the caller must post the slab.
[[nodiscard]] bool push_remote(Slab& slab, const RemoteChain& chain);
[[nodiscard]] inline bool push_remote(Slab& slab, Object* object) {
    return push_remote(slab, {object, object, 1});
}

// The whole chain; posted becomes clear. Only for who took the slab from a mail.
RemoteChain take_remote(Slab& slab);

inline bool posted(const Slab& slab) {
    return slab.remote.load(std::memory_order_acquire) & kPosted;
}
inline unsigned remote_count(const Slab& slab) {
    return static_cast<unsigned>(slab.remote.load(std::memory_order_relaxed) >> 48) & 0x7fff;
}

class Mail {
  public:
    void post(Slab& slab) {
        expect(&slab, "a slab posted without need", [&] { return posted(slab) && remote_count(slab) > 0; });
        Slab* head = head_.load(std::memory_order_relaxed);
        do
            slab.next_mail = head;
        while (
            !head_.compare_exchange_weak(head, &slab, std::memory_order_seq_cst, std::memory_order_relaxed));
    }
    bool empty() const { return head_.load(std::memory_order_relaxed) == nullptr; }
    const Slab* first() const { return head_.load(std::memory_order_acquire); }
    Slab* take_all() { return head_.exchange(nullptr, std::memory_order_seq_cst); }

  private:
    std::atomic<Slab*> head_{nullptr};
};

}  // namespace tarn
