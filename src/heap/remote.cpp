// SPDX-License-Identifier: MIT
// Frees for heaps of other threads: from the parcels of who frees, by way of their slabs and mail, to the holder.
#include "heap/remote.h"

#include "base/expect.h"
#include "heap/heap.h"
#include "heap/orphans.h"
#include "heap/outgoing.h"
#include "heap/sound.h"

namespace tarn {

namespace {

constexpr uint64_t kHeadMask = (uint64_t{1} << 48) - 1;
constexpr uint64_t kOne = uint64_t{1} << 48;

Object* head_of(uint64_t word) {
    return reinterpret_cast<Object*>(word & kHeadMask);
}

}  // namespace

bool push_remote(Slab& slab, const RemoteChain& chain) {
    uint64_t word = slab.remote.load(std::memory_order_relaxed);
    uint64_t wanted;
    [[maybe_unused]] const size_t carved =
        kExpecting ? slab.carved() : 0;  // it may be another slab right after
    do {
        chain.tail->next = head_of(word);
        wanted = (word & ~kHeadMask) + chain.count * kOne;
        wanted |= reinterpret_cast<uintptr_t>(chain.head) | kPosted;
        // seq_cst: the owner read after this must not be older (R5).
    } while (!slab.remote.compare_exchange_weak(word, wanted, std::memory_order_seq_cst,
                                                std::memory_order_relaxed));
    expect(&slab, "more objects freed elsewhere than a slab has",
           [&] { return (wanted & ~kPosted) >> 48 <= carved && (wanted & ~kPosted) >> 48 >= chain.count; });
    expect(&slab, "a chain without a mail", [&] { return word & kPosted || word == 0; });  // R1
    if (word & kPosted) return false;
    slab.remote_tail = chain.tail;
    return true;
}

RemoteChain take_remote(Slab& slab) {
    Object* const tail = slab.remote_tail;  // before the exchange: the next push may write it
    const uint64_t word = slab.remote.exchange(0, std::memory_order_acq_rel);
    return {head_of(word), tail, static_cast<unsigned>(word >> 48) & 0x7fff};
}

void Heap::absorb(Slab& slab, const RemoteChain& chain) {
    expect(&slab, "a chain from elsewhere that is not sound", [&] {
        return chain.count <= slab.used && sound_length(slab, chain.head, chain.count) == chain.count;
    });
    slab.far = slab.info().size >= kAheadLeast;
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

void Outgoing::send(Parcel& parcel) {
    const Parcel sent = parcel;
    parcel.slab = nullptr;
    --waiting_;
    const RemoteChain chain = {sent.head, sent.object(sent.tail), sent.count};
    if (push_remote(*sent.slab, chain)) post_slab(*sent.slab);
}

void Outgoing::send_each() {
    for (Parcel& parcel : parcels_)
        if (parcel.slab) send(parcel);
}

void Outgoing::forget() {
    for (Parcel& parcel : parcels_)
        parcel = {};
    waiting_ = 0;
}

}  // namespace tarn
