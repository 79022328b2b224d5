// SPDX-License-Identifier: MIT
#include "heap/remote.h"

namespace tarn {

namespace {

constexpr uint64_t kHeadMask = (uint64_t{1} << 48) - 1;
constexpr uint64_t kOne = uint64_t{1} << 48;

RemoteChain unpack(uint64_t word) {
    return {reinterpret_cast<Object*>(word & kHeadMask), static_cast<unsigned>(word >> 48) & 0x7fff};
}

}  // namespace

bool push_remote(Slab& slab, Object* object) {
    uint64_t word = slab.remote.load(std::memory_order_relaxed);
    uint64_t wanted;
    do {
        object->next = unpack(word).head;
        wanted = (word & ~kHeadMask) + kOne;
        wanted |= reinterpret_cast<uintptr_t>(object) | kPosted;
        // seq_cst: the owner read after this must not be older (R5).
    } while (!slab.remote.compare_exchange_weak(word, wanted, std::memory_order_seq_cst,
                                                std::memory_order_relaxed));
    return !(word & kPosted);
}

RemoteChain take_remote(Slab& slab) {
    return unpack(slab.remote.exchange(0, std::memory_order_acq_rel));
}

RemoteChain gather_remote(Slab& slab) {
    return unpack(slab.remote.fetch_and(kPosted, std::memory_order_acq_rel));
}

}  // namespace tarn
