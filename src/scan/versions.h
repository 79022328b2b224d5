// SPDX-License-Identifier: MIT
// The versions for this machine, and the choice among them.
#pragma once
#if defined(__x86_64__)
#include "scan/x86_64.h"
#else
#include "scan/aarch64.h"
#endif
