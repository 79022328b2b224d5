// SPDX-License-Identifier: MIT
// How `tarn run` marks what it has changed in the environment of the program that it starts: beside "NAME=ours" stands
// "_TARN_WAS_NAME=before", or "_TARN_NEW_NAME=" where there was none. LD_PRELOAD begins with ours, and goes on with what
// was before.
#pragma once
#include <cstddef>

namespace tarn::follow {

inline constexpr char kWas[] = "_TARN_WAS_", kNew[] = "_TARN_NEW_";
inline constexpr size_t kMarkLength = sizeof kWas - 1;
static_assert(sizeof kWas == sizeof kNew);
inline constexpr char kPreload[] = "LD_PRELOAD=";

}  // namespace tarn::follow
