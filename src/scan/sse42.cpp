// SPDX-License-Identifier: MIT
// The scanner by vectors of 16 bytes, for x86-64 of 2008 and later.
#include <immintrin.h>

#include "scan/bytes.h"
#include "scan/versions.h"

// Every function from here on, and no other in the library.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("sse4.2,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("sse4.2,popcnt")
#endif

#include "scan/vector16.h"

namespace tarn::scan {
namespace {

using Here = Sse42;
using Wide = Narrow;

}  // namespace
}  // namespace tarn::scan

#include "scan/kernel.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
