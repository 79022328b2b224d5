// SPDX-License-Identifier: MIT
// What processes that were killed have left in the default place does not pile up.
#pragma once

namespace tarn::record {

// In a folder of this user's alone: when there are many records, that of a killed process which was written to
// longest ago is removed. By the constructor: each process that begins a record removes one at most.
void remove_stalest(const char* folder);

}  // namespace tarn::record
