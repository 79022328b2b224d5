// SPDX-License-Identifier: MIT
// The list is guarded by a lock that nobody holds for longer than a few loads and stores per meter. Who forked in a
// signal handler over list() or unlist() finds it as it was, and goes on. A handler may also end the process there by
// _exit, which writes the report: that reads the list as it is.
#include "stats/meters.h"

#include "os/lock.h"

namespace tarn {

namespace {

struct Meters {
    Lock lock;
    SteadyList<Meter> list;
    MeterCounters gone;
};
constinit Meters meters;

}  // namespace

void Meter::list() {
    const Guard guard(meters.lock);
    meters.list.add(*this);
}

void Meter::unlist() {
    const Guard guard(meters.lock);
    MeterCounts counts{meters.gone, {}};
    read_(*this, counts);
    meters.list.remove(*this);
    meters.gone = counts;
}

bool Meter::any(Read read, bool (*ask)(const Meter& meter, const void* what), const void* what) {
    if (!meters.lock.try_lock()) return false;
    bool found = false;
    for (const Meter* meter = meters.list.first(); meter && !found; meter = meter->next())
        found = meter->read_ == read && ask(*meter, what);
    meters.lock.unlock();
    return found;
}

MeterCounts meter_counts() {
    const ReportGuard guard(meters.lock);
    MeterCounts counts{meters.gone, {}};
    for (const Meter* meter = meters.list.first(); meter; meter = meter->next())
        meter->read_(*meter, counts);
    return counts;
}

Meter* Meter::first() {
    return meters.list.first();
}

void meters_after_fork_child() {
    if (meters.lock.recover()) meters.list.mend();
}

}  // namespace tarn
