// SPDX-License-Identifier: MIT
#include "backend/map/remap.h"

#include <cstdint>

#include <atomic>

#include "backend/ranges/huge_pages.h"
#include "os/os.h"

namespace tarn {

namespace {

// A refused mremap may have unmapped its target first, and another thread may have mapped something there
// since. So the target is ours only when the move succeeds; otherwise it is left as it is, and no second
// attempt is made in this process: address space of one block at most is lost.
constinit std::atomic<bool> refused{false};

// NULL: no such place.
char* move_aligned(char* at, size_t old_size, size_t new_size) {
    if (refused.load(std::memory_order_relaxed)) return nullptr;
    auto* const area = static_cast<char*>(os::reserve(new_size + kHugePage));
    if (!area) return nullptr;
    const size_t lead = (reinterpret_cast<uintptr_t>(at) - reinterpret_cast<uintptr_t>(area)) % kHugePage;
    char* const target = area + lead;
    const bool moved = os::remap_to(at, old_size, new_size, target);
    if (lead) os::unmap(area, lead);
    os::unmap(target + new_size, kHugePage - lead);
    if (!moved) refused.store(true, std::memory_order_relaxed);
    return moved ? target : nullptr;
}

}  // namespace

void* remap_by_huge_pages(void* at, size_t old_size, size_t new_size) {
    if (old_size < kHugePage) return os::remap(at, old_size, new_size);
    if (os::resize_in_place(at, old_size, new_size)) return at;
    char* const moved = move_aligned(static_cast<char*>(at), old_size, new_size);
    return moved ? moved : os::remap(at, old_size, new_size);
}

}  // namespace tarn
