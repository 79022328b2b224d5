// SPDX-License-Identifier: MIT
// The list is guarded by a lock that nobody holds for longer than a few loads and stores per part. Its links
// forward are right at every moment; those back are mended in the child of a fork, which may have come
// between the two.
#include "stats/parts.h"

#include "base/lock.h"

namespace tarn {

namespace {

struct Parts {
    Lock lock;
    Part* first = nullptr;
    PartCounts gone;
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
    read_(*this, parts.gone);
    parts.gone.pool_live_objects = 0;
    __atomic_store_n(link_, next_, __ATOMIC_RELEASE);
    if (next_) next_->link_ = link_;
}

PartCounts part_counts() {
    const Guard guard(parts.lock);
    PartCounts counts = parts.gone;
    for (const Part* part = parts.first; part; part = part->next_)
        part->read_(*part, counts);
    return counts;
}

void parts_after_fork_child() {
    parts.lock.reset();
    for (Part** link = &parts.first; *link; link = &(*link)->next_)
        (*link)->link_ = link;
}

}  // namespace tarn
