// SPDX-License-Identifier: MIT
// What objects of the explicit interface count in themselves, since the thread that counts has nothing else
// at hand: the allocations of an object pool, the requests of an interner. They are on one list while they
// live, so that the reports can ask them; what they counted stays when they are gone.
#pragma once
#include <cstdint>

namespace tarn {

struct PartCounters {
    uint64_t pools_made = 0, pool_allocations = 0, pool_fresh = 0;
    uint64_t interners_made = 0, intern_requests = 0;
    uint64_t heaps_made = 0, heap_allocations = 0;
};
struct PartGauges {
    uint64_t pools = 0, pool_live_objects = 0, pool_bytes = 0;
    uint64_t interners = 0, interned_strings = 0, interner_bytes = 0;
    uint64_t heaps = 0, heap_live_objects = 0, heap_live_bytes = 0;
};
struct PartCounts : PartCounters, PartGauges {};

class Part {
  public:
    // Adds what is counted so far. Called by any thread at any time between list() and unlist(); takes no
    // lock.
    using Read = void (*)(const Part& part, PartCounts& counts);
    explicit constexpr Part(Read read) : read_(read) {}
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;

    void list();
    void unlist();

    // In the child of a fork, after parts_after_fork_child(): visit(part) for each that is read by `read`.
    template <class Visit>
    static void each(Read read, Visit visit) {
        for (Part* part = first(); part; part = part->next_)
            if (part->read_ == read) visit(*part);
    }

    // Whether `ask` says yes of one of those that are read by `read`. Waits for nobody: not while the list is
    // held.
    static bool any(Read read, bool (*ask)(const Part& part, const void* what), const void* what);

  private:
    friend PartCounts part_counts();
    friend void parts_after_fork_child();

    static Part* first();

    const Read read_;
    Part* next_ = nullptr;
    Part** link_ = nullptr;  // what points here
};

// Of all that are listed, and of those that were.
PartCounts part_counts();

// In the child of a fork.
void parts_after_fork_child();

}  // namespace tarn
