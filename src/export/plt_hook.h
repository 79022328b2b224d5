// SPDX-License-Identifier: MIT
// Redirects the calls that loaded objects make to a function of libc, by their own tables of imported
// functions; nothing is exported for it. Used where something is to be done at the end of the process (process_end.h), and
// where samples are guarded (src/guard).
#pragma once

namespace tarn {

// In every object loaded now, but for the one that has the replacement: calls that lead to `original`, or that nobody has made yet; NULL: wherever they
// lead. Again for the same is harmless. In a fully static program there is nothing to redirect.
void hook_calls(const char* function, const void* original, void* replacement);

}  // namespace tarn
