// SPDX-License-Identifier: MIT
// The list is guarded by a lock that nobody holds for longer than a few loads and stores per part. Its links
// forward are right at every moment; those back are mended in the child of a fork when somebody held the lock
// who is gone. Who forked in a signal handler over list() or unlist() finds it as it was, and goes on. A
// handler may also end the process there by _exit, which writes the report: that reads the list as it is.
#include "stats/parts.h"

#include "os/lock.h"

namespace tarn {

namespace {

struct Parts {
    Lock lock;
    Part* first = nullptr;
    PartCounters gone;
};
constinit Parts parts;

}  // namespace

void Part::list() {
    const Guard guard(parts.lock);
    next_ = parts.first;
    link_ = &parts.first;
    if (next_) next_->link_ = &next_;
    __atomic_store_n(&parts.first, this, __ATOMIC_RELEASE);
}

void Part::unlist() {
    const Guard guard(parts.lock);
    PartCounts counts{parts.gone, {}};
    read_(*this, counts);
    __atomic_store_n(link_, next_, __ATOMIC_RELEASE);
    if (next_) next_->link_ = link_;
    parts.gone = counts;
}

bool Part::any(Read read, bool (*ask)(const Part& part, const void* what), const void* what) {
    if (!parts.lock.try_lock()) return false;
    bool found = false;
    for (const Part* part = parts.first; part && !found; part = part->next_)
        found = part->read_ == read && ask(*part, what);
    parts.lock.unlock();
    return found;
}

PartCounts part_counts() {
    const ReportGuard guard(parts.lock);
    PartCounts counts{parts.gone, {}};
    for (const Part* part = parts.first; part; part = part->next_)
        part->read_(*part, counts);
    return counts;
}

Part* Part::first() {
    return parts.first;
}

void parts_after_fork_child() {
    if (!parts.lock.recover()) return;
    for (Part** link = &parts.first; *link; link = &(*link)->next_)
        (*link)->link_ = link;
}

}  // namespace tarn
