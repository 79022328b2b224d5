// SPDX-License-Identifier: MIT
// Makes projects to translate: files without a fault, the same for the same seed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "project.h"

namespace translator {

std::vector<Source> generate(size_t files, uint64_t seed);

}  // namespace translator
