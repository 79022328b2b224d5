// SPDX-License-Identifier: MIT
// Outgoing: objects that a thread has freed for other heaps, gathered by slab, so that one atomic operation
// gives back several. After snmalloc's batching of frees by destination (P. Lietar et al., ISMM 2019; its
// later versions batch by slab).
//
// What waits here counts as used in its slab, so the slab stays as it is (R2); each object carries its
// owner's mark already. Only the thread itself touches this. Bounded: kParcels slabs, and a quarter of a bin
// each.
#pragma once
#include "heap/remote.h"

namespace tarn {

class Outgoing {
  public:
    static constexpr size_t kParcels = 42;

    void add(Slab& slab, Object* object) {
        Parcel& parcel = parcels_[reinterpret_cast<uintptr_t>(&slab) / kRecordSize % kParcels];
        if (parcel.slab != &slab) {
            if (parcel.slab) send(parcel);
            parcel = {&slab, {nullptr, object, 0}, {}};
            ++waiting_;
        }
        const SizeClassInfo& info = slab.info();
        const uintptr_t at = reinterpret_cast<uintptr_t>(object);
        uint32_t& before = parcel.before[parcel.chain.count % kAhead];
        if (info.size >= kAheadLeast) ahead_of(object) = reinterpret_cast<Object*>((at >> 32 << 32) | before);
        before = static_cast<uint32_t>(at);
        object->next = parcel.chain.head;
        parcel.chain.head = object;
        if (++parcel.chain.count >= info.bin_limit / 4) send(parcel);
    }
    void send_all() {
        if (waiting_ > 0) send_each();
    }
    // In the child of a fork, for a thread that is gone: nobody may have left these whole.
    void forget();

  private:
    struct Parcel {
        Slab* slab = nullptr;
        RemoteChain chain = {};
        uint32_t before[kAhead] = {};  // the lower halves of the addresses of the last ones
    };
    void send(Parcel& parcel);
    void send_each();

    uint32_t waiting_ = 0;  // parcels
    Parcel parcels_[kParcels];
};

}  // namespace tarn
