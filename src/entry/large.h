// SPDX-License-Identifier: MIT
// Large blocks as a program gets them: the backend's, after what lies free elsewhere was asked back, and with the
// thread's observers told.
#pragma once
#include <cstddef>

#include "backend/blocks.h"

namespace tarn {

// NULL and ENOMEM.
void* allocate_large(size_t size, size_t alignment, Zero zero);
void* resize_large(void* block, size_t size, size_t alignment);
BlockFree release_large(void* block);

// NULL, and errno ENOMEM.
void* no_memory();

}  // namespace tarn
