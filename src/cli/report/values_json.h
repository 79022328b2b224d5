// SPDX-License-Identifier: MIT
// What all reports for programs say of a holder, or of all of them.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "reader/profile.h"

namespace tarn::cli {

nlohmann::ordered_json values_json(const reader::Values& from);

}  // namespace tarn::cli
