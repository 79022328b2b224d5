// SPDX-License-Identifier: MIT
// Backend module libtarn-mimalloc.so, over the distribution's libmimalloc by its mi_ names alone. It serves
// blocks from 32 KiB to TARN_MAP_FROM; docs/backends.md has the figures behind the options.
#include <mimalloc.h>

#include "tarn/backend.h"

namespace {

constexpr size_t kOrdinaryAlignment = 16;

int start() {
    // A thread's segment goes back when it is empty, not after a while: threads that have ended, or block,
    // would keep it for ever.
    mi_option_set(mi_option_segment_decommit_delay, 0);
    mi_free(mi_malloc(kOrdinaryAlignment));  // whatever it sets up at its first call is set up now
    return 0;
}

void* allocate(size_t size, size_t alignment) {
    return alignment <= kOrdinaryAlignment ? mi_malloc(size) : mi_malloc_aligned(size, alignment);
}

void* allocate_zeroed(size_t size, size_t alignment) {
    return alignment <= kOrdinaryAlignment ? mi_zalloc(size) : mi_zalloc_aligned(size, alignment);
}

void free_block(void* block, size_t) {
    mi_free(block);
}

// In place only: tarn copies better, since it knows what is likely to grow again.
void* resize(void* block, size_t old_size, size_t new_size) {
    return new_size > old_size ? mi_expand(block, new_size) : nullptr;
}

size_t usable_size(void* block) {
    return mi_usable_size(block);
}

int trim() {
    mi_collect(true);
    return 1;
}

constexpr tarn_backend kTable = {
    .version = TARN_BACKEND_VERSION,
    .size = sizeof(tarn_backend),
    .name = "mimalloc",
    .start = start,
    .allocate = allocate,
    .allocate_zeroed = allocate_zeroed,
    .free = free_block,
    .resize = resize,
    .usable_size = usable_size,
    .stats = nullptr,
    .trim = trim,
    .before_fork = nullptr,
    .after_fork_parent = nullptr,
    .after_fork_child = nullptr,
    .flags = 0,
};

}  // namespace

extern "C" [[gnu::visibility("default")]] const tarn_backend* tarn_backend_entry() {
    return &kTable;
}
