// SPDX-License-Identifier: MIT
// Precompiled: what half of the time to compile a file of the allocator goes into (in libstdc++ 12, <atomic> brings
// clocks and locks along). Each file includes what it uses all the same; the build by clang has no precompiled headers.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
