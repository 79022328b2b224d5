// SPDX-License-Identifier: MIT
// The one list of what happens at a fork (fork.cpp). The layers below are called by name; what lies above
// joins.
#pragma once
#include "base/join_list.h"

namespace tarn {

// In the child, in which nobody else lives. Called with the layers below in order; may neither allocate nor
// wait. Last come, first served.
struct ForkStep : Joins<ForkStep> {
    constexpr explicit ForkStep(void (*step)()) : after_fork_child(step) {}
    void (*const after_fork_child)();
};
// Any thread, any time, as often as one likes.
void join_forks(ForkStep& step);

}  // namespace tarn
