// SPDX-License-Identifier: MIT
// Precompiled for bench/api, where it is most of the time to compile. Each source includes what it uses all the same.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <memory_resource>
#include <random>
#include <string>
#include <string_view>
#include <vector>
