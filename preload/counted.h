// SPDX-License-Identifier: MIT
// malloc, calloc and operator new while samples are guarded (TARN_GUARD): as ever, but that they count down to the next sample.
// Calls by loaded objects are led here (export/plt_hook.h), so that nobody else counts.
#pragma once
#include <cstddef>

#include "seam/call_hook.h"

namespace tarn {

void* allocate_counted(size_t size);
void* allocate_zeroed_counted(size_t count, size_t size);

// Leads them here: by the library's constructor, and when objects were loaded; not from inside an allocation function.
void count_calls();
// operators.cpp: writes as many hooks as it returns.
inline constexpr size_t kNewHooks = 2;
size_t hooks_of_new(CallHook* hooks);

}  // namespace tarn
