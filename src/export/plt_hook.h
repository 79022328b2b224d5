// SPDX-License-Identifier: MIT
// Redirects the calls that loaded objects make to a function of libc, by their own tables of imported
// functions; nothing is exported for it. Used where something is to be done at the end of the process (process_end.h).
#pragma once

namespace tarn {

// In every object loaded now, libtarn excepted. In a fully static program there is nothing to redirect.
void hook_calls(const char* function, void* replacement);

}  // namespace tarn
