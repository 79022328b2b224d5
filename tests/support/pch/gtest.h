// SPDX-License-Identifier: MIT
// Precompiled: what most of the time to compile a test goes into. Each test includes what it uses all the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>
