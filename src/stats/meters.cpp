// SPDX-License-Identifier: MIT
// The list is guarded by a lock that nobody holds for longer than a few loads and stores per meter. Its links
// forward are right at every moment; those back are mended in the child of a fork when somebody held the lock
// who is gone. Who forked in a signal handler over list() or unlist() finds it as it was, and goes on. A
// handler may also end the process there by _exit, which writes the report: that reads the list as it is.
#include "stats/meters.h"

#include "os/lock.h"

namespace tarn {

namespace {

struct Meters {
    Lock lock;
    Meter* first = nullptr;
    MeterCounters gone;
};
constinit Meters meters;

}  // namespace

void Meter::list() {
    const Guard guard(meters.lock);
    next_ = meters.first;
    link_ = &meters.first;
    if (next_) next_->link_ = &next_;
    __atomic_store_n(&meters.first, this, __ATOMIC_RELEASE);
}

void Meter::unlist() {
    const Guard guard(meters.lock);
    MeterCounts counts{meters.gone, {}};
    read_(*this, counts);
    __atomic_store_n(link_, next_, __ATOMIC_RELEASE);
    if (next_) next_->link_ = link_;
    meters.gone = counts;
}

bool Meter::any(Read read, bool (*ask)(const Meter& meter, const void* what), const void* what) {
    if (!meters.lock.try_lock()) return false;
    bool found = false;
    for (const Meter* meter = meters.first; meter && !found; meter = meter->next_)
        found = meter->read_ == read && ask(*meter, what);
    meters.lock.unlock();
    return found;
}

MeterCounts meter_counts() {
    const ReportGuard guard(meters.lock);
    MeterCounts counts{meters.gone, {}};
    for (const Meter* meter = meters.first; meter; meter = meter->next_)
        meter->read_(*meter, counts);
    return counts;
}

Meter* Meter::first() {
    return meters.first;
}

void meters_after_fork_child() {
    if (!meters.lock.recover()) return;
    for (Meter** link = &meters.first; *link; link = &(*link)->next_)
        (*link)->link_ = link;
}

}  // namespace tarn
