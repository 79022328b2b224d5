// SPDX-License-Identifier: MIT
// Redirects the calls that loaded objects make to a function of libc, by their own tables of imported
// functions; nothing is exported for it. Used where something is to be done at the end of the process (process_end.h), and
// where samples are guarded (src/guard).
#pragma once
#include <cstddef>

#include "seam/call_hook.h"

namespace tarn {

// In every object loaded now, but for the one that has the replacements; those in `before` are left out, and get in. In a fully
// static program there is nothing to redirect.
void hook_calls(const CallHook* hooks, size_t count, HookedObjects* before);

}  // namespace tarn
