// SPDX-License-Identifier: MIT
// Precompiled, as library.h, for the reading of records.
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>
