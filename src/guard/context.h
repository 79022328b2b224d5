// SPDX-License-Identifier: MIT
// Chooses what reads a signal's context on this machine.
#pragma once
#if defined(__x86_64__)
#include "guard/context_x86_64.h"
#elif defined(__aarch64__)
#include "guard/context_aarch64.h"
#endif
