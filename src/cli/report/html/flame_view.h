// SPDX-License-Identifier: MIT
// A flame graph: the widest frames as a picture without a script, all of them as data for the script.
#pragma once
#include <string>

#include "reader/views/flame.h"

namespace tarn::cli {

enum class FlameOf { kProfile, kDifference };

// The content of its section, no longer than `bytes`, which are at least kFlameLeast: `whole` is cut down until it fits.
std::string flame_view(const reader::Flame& whole, FlameOf of, size_t bytes);

constexpr size_t kFlameLeast = 256 << 10, kFlameMost = 576 << 10;

}  // namespace tarn::cli
