// SPDX-License-Identifier: MIT
// A fully static program has no imports.
#include "export/plt_hook.h"

namespace tarn {

void hook_calls(const CallHook*, size_t, HookedObjects*) {}

}  // namespace tarn
