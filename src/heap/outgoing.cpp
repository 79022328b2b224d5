// SPDX-License-Identifier: MIT
#include "heap/outgoing.h"

#include "heap/heap.h"
#include "heap/orphans.h"

namespace tarn {

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
