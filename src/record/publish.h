// SPDX-License-Identifier: MIT
// Snapshots and the time line.
#pragma once
#include <cstdint>

namespace tarn::record {

// kDue: unless one was written a short time ago, or takes so long that it may not be yet: at most ten a second, and less
// than a thousandth of the time.
enum class Why : uint8_t { kFirst, kDue, kAsked, kLast };

// With the lock of the record held. False: a lock of libtarn's is taken, and nothing was written.
bool publish(Why why);
// When the next one is due, on the coarse clock.
bool is_due(uint64_t now);
// In the child of a fork: as if there had been none.
void forget_published();

}  // namespace tarn::record
