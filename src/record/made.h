// SPDX-License-Identifier: MIT
// What is made when it is first needed, by whoever comes first: zeroed memory, touched as it is used. No lock, so that a
// fork or a signal handler may come at any time.
#pragma once
#include <atomic>
#include <cstddef>

#include "os/os.h"

namespace tarn::record {

// `count` of them, one after another. NULL: out of memory.
template <class Type>
Type* made(std::atomic<Type*>& place, size_t count) {
    Type* there = place.load(std::memory_order_acquire);
    if (there) [[likely]]
        return there;
    const size_t bytes = (count * sizeof(Type) + os::page_size() - 1) / os::page_size() * os::page_size();
    auto* const fresh = static_cast<Type*>(os::map(bytes));
    if (!fresh) return nullptr;
    if (place.compare_exchange_strong(there, fresh, std::memory_order_acq_rel)) return fresh;
    os::unmap(fresh, bytes);
    return there;
}

}  // namespace tarn::record
