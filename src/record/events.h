// SPDX-License-Identifier: MIT
// Events: what happened, in a ring; each entry has a sequence number of its own, so that nothing is locked.
#pragma once
#include "tarn/record.h"

namespace tarn::record {

// Any thread, any time.
void event(tarn_record_event_kind kind, uint64_t a = 0, uint64_t b = 0, const char* text = "",
           uint64_t stack = 0);

}  // namespace tarn::record
