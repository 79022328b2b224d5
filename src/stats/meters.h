// SPDX-License-Identifier: MIT
// Meter: where a pool, an interner or a heap of the explicit interface counts in itself, since the thread that counts
// has nothing else at hand, the reports read it. Meters are on one list while these live; what they counted stays when
// they are gone.
#pragma once
#include <cstdint>

#include "base/steady_list.h"

namespace tarn {

struct MeterCounters {
    uint64_t pools_made = 0, pool_allocations = 0, pool_fresh = 0;
    uint64_t interners_made = 0, intern_requests = 0;
    uint64_t heaps_made = 0, heap_allocations = 0;
};
struct MeterGauges {
    uint64_t pools = 0, pool_live_objects = 0, pool_bytes = 0;
    uint64_t interners = 0, interned_strings = 0, interner_bytes = 0;
    uint64_t heaps = 0, heap_live_objects = 0, heap_live_bytes = 0;
};
struct MeterCounts : MeterCounters, MeterGauges {};

class Meter : public Listed<Meter> {
  public:
    // Adds what is counted so far. Called by any thread at any time between list() and unlist(); takes no
    // lock.
    using Read = void (*)(const Meter& meter, MeterCounts& counts);
    explicit constexpr Meter(Read read) : read_(read) {}
    Meter(const Meter&) = delete;
    Meter& operator=(const Meter&) = delete;

    void list();
    void unlist();

    // In the child of a fork, after meters_after_fork_child(): act(meter) for each that is read by `read`.
    template <class Act>
    static void each(Read read, Act act) {
        for (Meter* meter = first(); meter; meter = meter->next())
            if (meter->read_ == read) act(*meter);
    }

    // Whether `ask` says yes of one of those that are read by `read`. Waits for nobody: not while the list is
    // held.
    static bool any(Read read, bool (*ask)(const Meter& meter, const void* what), const void* what);

  private:
    friend MeterCounts meter_counts();
    friend void meters_after_fork_child();

    static Meter* first();

    const Read read_;
};

// Of all that are listed, and of those that were.
MeterCounts meter_counts();

// In the child of a fork.
void meters_after_fork_child();

}  // namespace tarn
