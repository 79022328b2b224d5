// SPDX-License-Identifier: MIT
// Freed runs at hand, in front of the supply of runs: a block that goes and one of the same size that comes
// cost neither its lock nor its search. A thread's address leads it to one of a few shelves; a place on a shelf
// is one atomic word, so that nothing is locked and nothing can be half done in the child of a fork.
#pragma once
#include <cstddef>

#include "pages/units.h"

namespace tarn::map {

inline constexpr Units kUnitsMost = Units{8};  // longer runs are not kept

void* take_run_at_hand(Units length);           // NULL: none of exactly that length
void give_run_at_hand(void* at, Units length);  // keeps it; what it displaces goes back to the supply
size_t trim_runs_at_hand();                     // gives all back to the supply; bytes
size_t bytes_at_hand();
// In the child of a fork: another thread of the parent may have taken any of them meanwhile.
void forget_runs_at_hand();

}  // namespace tarn::map
