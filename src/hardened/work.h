// SPDX-License-Identifier: MIT
// Work: the slots that threads have for themselves, without a lock; more than one of a thread when signal handlers came over calls here.
// The child of a handler's fork goes on with its own.
#pragma once
#include "hardened/guarded_slab.h"

namespace tarn::hardened {

struct Work;

// From begin() to its end this thread is at work on the slot of that word.
class Working {
  public:
    Working() = default;
    Working(const Working&) = delete;
    Working& operator=(const Working&) = delete;
    ~Working() {
        if (work_) end();
    }
    void begin(const SlotWord& word);

  private:
    void end();
    Work* work_ = nullptr;
};

// In the child of a fork.
bool is_at_work_on(const SlotWord& word);
void forget_works_of_others();

}  // namespace tarn::hardened
