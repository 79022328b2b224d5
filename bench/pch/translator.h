// SPDX-License-Identifier: MIT
// Precompiled for bench/translator. Each source includes what it uses all the same.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>
