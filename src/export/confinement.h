// SPDX-License-Identifier: MIT
// A process may confine itself by the system call alone, where prctl and libseccomp (preload/confinement.cpp) are not in between.
// Calls of syscall() by objects that were loaded at start are looked at where somebody looks on or checks (hardened mode,
// records, guarded samples, reports): what these ask the kernel besides, they leave out from then on.
#pragma once

namespace tarn {

void watch_confinement();

}  // namespace tarn
