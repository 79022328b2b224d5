// SPDX-License-Identifier: MIT
// A flame graph: the widest frames as a picture without a script, all of them as data for the script.
#pragma once
#include <string>

#include "reader/views/flame.h"

namespace tarn::cli {

enum class FlameOf { kProfile, kDifference };

// The content of its section. `whole` is cut down until it fits (kFlameBytes).
std::string flame_view(const reader::Flame& whole, FlameOf of);

constexpr size_t kFlameBytes = 480 << 10;

}  // namespace tarn::cli
