// SPDX-License-Identifier: MIT
// What lies free in any part of tarn goes back to the kernel.
#pragma once
#include <cstddef>

namespace tarn {

// All of it, the heaps and bins of blocked and idle threads included; bytes of memory.
size_t trim();
// The same, for the recorder itself, which knows.
size_t trim_untold();

// Before a request of so many bytes fails: address space and memory for another attempt. False: there was none to be
// had, or never so much.
bool reclaim(size_t bytes);

}  // namespace tarn
