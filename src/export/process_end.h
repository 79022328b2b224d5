// SPDX-License-Identifier: MIT
// The end of the process, by whichever door: exit and return from main (the library's destructor), quick_exit, and calls
// of _exit by objects that were loaded at start.
#pragma once
#include "base/at_start.h"

namespace tarn {

using Look = void (*)();
// In the library's constructor, where anything is to be done at the end. The look is the hardened mode's, and comes first.
void prepare_end(Look look);
// The look, the report, and the end of the record. More than once, perhaps; the library's destructor calls it in any case.
TARN_AT_START void process_ends();
// In the child of a fork.
void end_in_child();

}  // namespace tarn
