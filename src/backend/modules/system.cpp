// SPDX-License-Identifier: MIT
// Backend `system`: glibc's own allocator, by the names that stay its own under interposition. All are
// weak: a fully static program has none of them (their object would bring a second malloc), and lacks this
// backend.
//
// No usable_size: glibc's malloc_usable_size has no second name and is ours here, so a block is as large as
// was asked for.
#include <dlfcn.h>
#include <malloc.h>

#include "backend/modules/loader.h"

extern "C" {
[[gnu::weak]] void* __libc_malloc(size_t size);
[[gnu::weak]] void* __libc_calloc(size_t count, size_t size);
[[gnu::weak]] void* __libc_memalign(size_t alignment, size_t size);
[[gnu::weak]] void* __libc_realloc(void* block, size_t size);
[[gnu::weak]] void __libc_free(void* block);
[[gnu::weak]] void* dlsym(void* handle, const char* name) noexcept;
}

namespace tarn {

namespace {

constexpr size_t kMallocAlignment = 16;

// The function behind our own symbol of that name; NULL where there is no dynamic linker.
template <typename Function>
Function* next(const char* name) {
    return dlsym ? reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name)) : nullptr;
}

using Trim = int(size_t);
constinit Trim* libc_trim = nullptr;  // dlsym is for the start alone

// With glibc's defaults the top of its heap goes back to the kernel and comes again with nearly every block
// of some 100 KiB: 128 KiB is both the size from which it maps and the free memory it tolerates.
int start() {
    constexpr int kMapFrom = 4 << 20;
    constexpr int kTrimAbove = 8 << 20;
    if (auto* set = next<int(int, int)>("mallopt")) {
        set(M_MMAP_THRESHOLD, kMapFrom);
        set(M_TRIM_THRESHOLD, kTrimAbove);
    }
    libc_trim = next<Trim>("malloc_trim");
    return 0;
}

void* allocate(size_t size, size_t alignment) {
    return alignment <= kMallocAlignment ? __libc_malloc(size) : __libc_memalign(alignment, size);
}

// glibc has no aligned calloc, and knows what is fresh.
void* allocate_zeroed(size_t size, size_t alignment) {
    if (alignment <= kMallocAlignment) return __libc_calloc(1, size);
    void* block = __libc_memalign(alignment, size);
    return block ? __builtin_memset(block, 0, size) : nullptr;
}

void free(void* block, size_t) {
    __libc_free(block);
}

void* resize(void* block, size_t, size_t new_size) {
    return __libc_realloc(block, new_size);
}

int trim() {
    return libc_trim ? libc_trim(0) : 0;
}

constexpr tarn_backend kSystem = {
    .version = TARN_BACKEND_VERSION,
    .size = sizeof(tarn_backend),
    .name = "system",
    .start = start,
    .allocate = allocate,
    .allocate_zeroed = allocate_zeroed,
    .free = free,
    .resize = resize,
    .usable_size = nullptr,
    .stats = nullptr,
    .trim = trim,
    .before_fork = nullptr,
    .after_fork_parent = nullptr,
    .after_fork_child = nullptr,
    .flags = TARN_BACKEND_LOCKS_AT_FORK,
};

}  // namespace

const tarn_backend* system_backend() {
    return __libc_malloc && __libc_calloc && __libc_memalign && __libc_realloc && __libc_free ? &kSystem
                                                                                              : nullptr;
}

}  // namespace tarn
