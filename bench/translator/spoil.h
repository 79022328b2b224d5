// SPDX-License-Identifier: MIT
// Makes mistakes in a project, the same for the same seed.
#pragma once
#include <cstdint>
#include <vector>

#include "project.h"

namespace translator {

// One mistake in an eighth of the files: another byte, a line twice or left out, a word in another's place.
std::vector<Source> spoil(const std::vector<Source>& sources, uint64_t seed);

}  // namespace translator
