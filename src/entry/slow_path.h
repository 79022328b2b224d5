// SPDX-License-Identifier: MIT
// The slow ends of allocate and release, and everything that is not one of the two. All of these may be
// called at any time: before start-up, after thread exit, after atexit handlers.
#pragma once
#include <cstddef>

namespace tarn {

struct Bin;

// NULL and errno ENOMEM when out of memory.
[[gnu::noinline]] void* allocate_slow(size_t size);
// Every case that release does not serve itself. errno is preserved.
[[gnu::noinline]] void release_full(void* pointer, Bin& bin) noexcept;       // the bin is this thread's
[[gnu::noinline]] void release_elsewhere(void* pointer, Bin& bin) noexcept;  // it is not, or there is none
[[gnu::cold, gnu::noinline]] void release_cold(void* pointer) noexcept;
// What the caller knows nothing of.
[[gnu::noinline]] void release_slow(void* pointer) noexcept;

// Zeroed. ENOMEM when count * size overflows.
void* allocate_zeroed(size_t count, size_t size);
// Alignment is a power of two. ENOMEM.
void* allocate_aligned(size_t alignment, size_t size);
// What allocate_aligned makes of `size`, which may be asked for instead; `size` itself where that is not
// known.
size_t aligned_size(size_t alignment, size_t size);
// realloc's contract, as in glibc: size 0 frees and returns NULL.
void* reallocate(void* pointer, size_t size);
// The same for what allocate_aligned gave with this alignment, of which only `used` bytes are kept; `size` is
// not 0. NULL and ENOMEM: the old block is untouched.
void* reallocate_aligned(void* pointer, size_t alignment, size_t used, size_t size);
// Bytes that may be used; 0 for NULL, and for what neither tarn nor libc has made. Dies inside of an object.
size_t usable_size(void* pointer);
// Dies when a block asked for with this alignment and size cannot be what is at pointer.
void check_size(void* pointer, size_t alignment, size_t size) noexcept;

}  // namespace tarn
