// SPDX-License-Identifier: MIT
// The books of `map` on its mappings, and how these go back to the kernel.
//
// One lock; no system call is made under it: a range on its way is in nobody's books. A fork may copy this
// half done, for the child has nobody to wait for, not even itself when a signal handler forks over a call in
// here: then it begins with a new one, and leaves the old one to the call that comes back to it.
#pragma once
#include <algorithm>

#include "backend/ranges/huge_pages.h"
#include "backend/ranges/mappings.h"
#include "backend/ranges/range_cache.h"
#include "base/missed.h"
#include "os/lock.h"
#include "os/os.h"

namespace tarn::map {

// The most that is kept: half of the live bytes, and besides as much as was given back to the kernel and missed
// afterwards, up to twice the largest mapping that was freed so far: as glibc raises its thresholds
// (malloc/malloc.c, M_MMAP_THRESHOLD). So a program that takes and gives large blocks in turn has its pages
// at hand, and large buffers that are used once go back to the kernel.
inline constexpr size_t kKeptAtLeast = size_t{2} << 20;
inline constexpr size_t kKeptForMany = size_t{10} << 20;  // small ones are freed by the dozen
inline constexpr size_t kKeptLargest = size_t{32} << 20;
inline constexpr size_t kKeptShare = 2;
inline constexpr uint32_t kPause = 1024;

inline size_t round_to_pages(size_t size) {
    const size_t page = os::page_size();
    return (size + page - 1) & ~(page - 1);
}

// More room for what grows: untouched address space; in huge pages it would be touched soon.
inline constexpr size_t kGrowth = 16, kGrowthSmall = 4;

struct Books {
    Lock lock{LockRank::kMap};
    size_t live = 0;
    size_t taken = 0;  // in all; the kernel gave it, or what is kept
    Missed<size_t> missed;
    size_t missed_most = 0;
    RangeNodes nodes;
    RangeCache cache{nodes};
    Mappings mappings{nodes};
    HugePages huge;
    Range latest;  // the last fresh mapping, until it was looked at; may be gone
    // A call that the kernel refuses is not tried at every free.
    bool unmap_refused = false;  // for good
    uint32_t pause = 0;          // so many frees pass before the next attempt
    bool first_nodes_used = false;

    size_t in_blocks() const { return live + cache.bytes(); }
    size_t limit() const { return live / kKeptShare + std::max(missed.worth_keeping(), kKeptAtLeast); }
    void count(size_t bytes) { live += bytes, taken += bytes; }
    void uncount(size_t bytes) { live -= std::min(bytes, live); }
    void freed(size_t size) {
        if (size <= kKeptLargest)
            missed_most = std::max({missed_most, 2 * size, std::min(16 * size, kKeptForMany)});
    }
};

Books& books();

// Before anything that may need nodes: they come from the kernel, so not under the lock.
void fetch_nodes(Books& all);

// Unmaps a range that is in nobody's hands. False: it would cost a mapping too many, or the kernel refused.
enum class Pressed : bool { kNo, kYes };
[[nodiscard]] bool unmap_range(Books& all, Range range, Pressed pressed);
// A range that nobody has touched is not needed: unmapped, else kept.
void drop_untouched(Books& all, Range range);
// Gives back what is too much, or too old.
void shrink_cache(Books& all);
// Gives back all that is kept; bytes that were resident, as far as is known.
size_t give_back_all(Books& all, Pressed pressed);

// `others`: threads of the parent that are not in this process may have been in here.
void books_after_fork_child(bool others);

}  // namespace tarn::map
