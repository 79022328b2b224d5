// SPDX-License-Identifier: MIT
// The handler of SIGSEGV and SIGBUS. It says what it knows of an access to the pool, and then does with each signal what the program
// wants done with it.
#pragma once
#include <cstddef>

#include "seam/call_hook.h"

namespace tarn::guard {

// By the constructor. `hook_calls`: as in export/plt_hook.h; what loaded objects ask of sigaction and signal for these two
// signals is kept here from now on, and none of them sees ours.
using HookCalls = void (*)(const CallHook* hooks, size_t count, HookedObjects* before);
void install_handler(HookCalls hook_calls);
// Objects were loaded: their calls as well. Not from inside an allocation function.
void hook_new_objects();
// Whoever installs a handler past these functions (the system call; dlsym) has it kept all the same, from the next time that this
// is called on. A system call.
void look_after_handler();
// In the child of a fork.
void handler_after_fork_child();

}  // namespace tarn::guard
