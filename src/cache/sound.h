// SPDX-License-Identifier: MIT
// What must hold of a bin at a cold end, for its holder, with the lock of the heap held. Says what does not, or NULL.
#pragma once
#include "cache/thread_cache.h"

namespace tarn {

inline const char* fault_of_bin(const ThreadCache& cache, SizeClass c) {
    Bin& bin = const_cast<Bin&>(cache.bins[c]);
    if (bin.low > bin.end || limit_of(bin) > bin.room) return "a bin with a limit beyond its room";
    if (top(bin) > bin.end || (bin.end - top(bin)) / kSlot > bin.room) return "a bin with more than its room";
    if ((bin.end - top(bin)) / kSlot < bin.taken) return "a bin with more taken than there was";
    for (size_t at = top(bin), end = at + objects_in(bin) * kSlot; at < end; at += kSlot) {
        const Object* const object = slot(bin, at);
        if (!object || !is_slab_entry(entry_at(object))) return "a bin with something else than objects";
        const Slab* const slab = slab_of_object(object);
        if (!slab || slab->size_class != c) return "a bin with an object of another class";
        if (slab->owner.load(std::memory_order_relaxed) != cache.heap.id())
            return "a bin with an object of another heap";
    }
    return nullptr;
}

}  // namespace tarn
