// SPDX-License-Identifier: MIT
// Scopes (tarn/record.h): names that the program puts on its stacks.
#pragma once
#include <cstddef>
#include <cstdint>

#include "tarn/record.h"

namespace tarn::profile {

tarn_scope begin_scope(const char* name);
void end_scope(tarn_scope scope);

// This thread's scopes, put among its frames: each outside of those of functions that were called in it. `places`: where
// the stack pointer was in each of them. The frames that there are then, `most` at most.
size_t add_scopes(uint64_t* frames, const uintptr_t* places, size_t count, size_t most);

}  // namespace tarn::profile
