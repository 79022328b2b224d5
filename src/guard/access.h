// SPDX-License-Identifier: MIT
// What an instruction that faulted was doing.
#pragma once
#include <cstdint>

namespace tarn::guard {

enum class Access : uint8_t { kUnknown, kRead, kWrite, kCall };

}  // namespace tarn::guard
