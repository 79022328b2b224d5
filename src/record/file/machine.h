// SPDX-License-Identifier: MIT
// What a report that is read on another machine needs to know of this one.
#pragma once
#include "tarn/record.h"

namespace tarn::record {

// Reads files: at start only. What cannot be known stays 0.
void tell_machine(tarn_record_who& who);

}  // namespace tarn::record
