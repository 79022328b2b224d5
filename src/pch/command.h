// SPDX-License-Identifier: MIT
// Precompiled, as library.h, for what the command `tarn` is made of.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>
