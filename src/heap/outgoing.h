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
    static constexpr size_t kParcels = 64;

    void add(Slab& slab, Object* object) {
        Parcel& parcel = parcels_[reinterpret_cast<uintptr_t>(&slab) / kRecordSize % kParcels];
        const auto place =
            static_cast<uint16_t>((reinterpret_cast<char*>(object) - slab.begin()) / kAlignment);
        if (parcel.slab != &slab) {
            if (parcel.slab) send(parcel);
            parcel = {&slab, nullptr, {}, place, 0};
            ++waiting_;
        }
        const SizeClassInfo& info = slab.info();
        uint16_t& before = parcel.before[parcel.count % kAhead];
        if (info.size >= kAheadLeast) ahead_of(object) = parcel.object(before);
        before = place;
        object->next = parcel.head;
        parcel.head = object;
        if (++parcel.count >= info.bin_limit / 4) send(parcel);
    }
    void send_all() {
        if (waiting_ > 0) send_each();
    }
    // In the child of a fork, for a thread that is gone: nobody may have left these whole.
    void forget();

  private:
    // A chain. Places are in steps of kAlignment from the begin of the slab.
    struct Parcel {
        Slab* slab = nullptr;
        Object* head = nullptr;
        uint16_t before[kAhead] = {};  // of the last ones that came
        uint16_t tail = 0, count = 0;

        Object* object(uint16_t place) const {
            return reinterpret_cast<Object*>(slab->begin() + place * kAlignment);
        }
    };
    static_assert(Units{64}.bytes() / kAlignment <= UINT16_MAX + 1, "no slab is longer (size_classes.h)");
    void send(Parcel& parcel);
    void send_each();

    uint32_t waiting_ = 0;  // parcels
    Parcel parcels_[kParcels];
};

}  // namespace tarn
