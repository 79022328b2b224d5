// SPDX-License-Identifier: MIT
// Mappings: the address space that `map` has, live or kept, as the kernel holds it: what touches and has the
// same tag is one mapping. So count() is how many of the kernel's per process (vm.max_map_count) are ours,
// and it is never let above a share of them on behalf of memory that is given back: the program needs some
// too. A plain data structure: no lock and no system call of its own.
#pragma once
#include "backend/ranges/range_tree.h"

namespace tarn {

class Mappings {
  public:
    static constexpr size_t kUsualLimit = 65530;  // the kernel's default
    static constexpr size_t kShare = 12;          // a twelfth is ours; runs have another
    static constexpr size_t kFew = 64;            // never fewer than these
    static constexpr size_t kAskFrom = 1024;      // before that nobody needs to know the limit

    constexpr explicit Mappings(RangeNodes& nodes) : nodes_(nodes) {}

    void added(Range range);
    void removed(Range range);

    size_t count() const { return tree_.count() + lost_; }
    bool scarce() const { return count() >= budget_; }
    // May it be unmapped? Always when that leaves no more mappings than there are.
    // Under pressure, when address space may be what is missing, twice the share may be used.
    bool may_remove(Range range, bool pressed) const {
        return count() < (pressed ? 2 * budget_ : budget_) || costs_nothing(range);
    }
    bool plenty() const { return count() < budget_ / 2; }
    bool costs_nothing(Range range) const;

    // Once, when there are kAskFrom. Asked by anyone.
    bool wants_limit() const { return !limit_known_.load(std::memory_order_relaxed) && count() >= kAskFrom; }
    void limit_is(size_t most);
    // The kernel has no more, since others have taken many: ours are too many until try_again().
    void exhausted();
    void try_again() { budget_ = share_; }

  private:
    void insert(Range range);
    void cut(RangeNode* node, Range range);
    bool cut_out(Range range);

    RangeNodes& nodes_;
    RangeTree tree_;
    size_t share_ = kUsualLimit / kShare;
    size_t budget_ = share_;
    Published lost_;  // that there was no node for
    std::atomic<bool> limit_known_{false};
};

}  // namespace tarn
