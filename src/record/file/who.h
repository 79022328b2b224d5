// SPDX-License-Identifier: MIT
// Who it is that records.
#pragma once
#include "seam/host.h"
#include "tarn/record.h"

namespace tarn::record {

const char* program_name();
// All of it.
void tell_who(tarn_record_who& who, const Host& host);
// What is another in a child of fork.
void tell_who_forked(tarn_record_who& who);

}  // namespace tarn::record
