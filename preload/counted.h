// SPDX-License-Identifier: MIT
// malloc, calloc and operator new while samples are guarded (TARN_GUARD): as ever, but that they count down to the next sample.
// Calls by loaded objects are led here (export/plt_hook.h), so that nobody else counts.
#pragma once
#include <cstddef>

namespace tarn {

void* allocate_counted(size_t size);
void* allocate_zeroed_counted(size_t count, size_t size);

// Leads them here: by the library's constructor, and when objects were loaded; not from inside an allocation function.
void count_calls();
void count_calls_of_new();  // operators.cpp

}  // namespace tarn
