// SPDX-License-Identifier: MIT
// Backend module libtarn-jemalloc.so, over the distribution's libjemalloc by its mallocx names alone. It
// serves blocks from 32 KiB to TARN_MAP_FROM; docs/backends.md has the figures behind the options.
//
// It must be preloaded beside libtarn.so (behind it): a late dlopen gets less static TLS than libjemalloc needs.
#include <jemalloc/jemalloc.h>

#include <stdint.h>

#include "tarn/backend.h"

// jemalloc reads this at its start when the module comes before it in the search order, as it does preloaded.
extern "C" {
[[gnu::visibility("default")]] extern const char* malloc_conf;
// A library starts no threads of its own accord, and what is trimmed is to be gone: under a limit on address
// space others need it. A thread gets nothing of its own at its first call: when there is no memory for that,
// jemalloc 5.3 crashes (its issues 2247 and 2289). Its caches are for smaller blocks anyway.
const char* malloc_conf = "background_thread:false,retain:false,tcache:false,narenas:1";
}

namespace {

constexpr size_t kOrdinaryAlignment = 16;

// Made at start, when there is memory for them; a thread uses the one that its address leads to. 0 is there
// in any case.
constexpr unsigned kArenas = 4;
unsigned arenas[kArenas];

void make_arenas() {
    for (unsigned i = 1; i < kArenas; ++i) {
        size_t size = sizeof arenas[i];
        if (mallctl("arenas.create", &arenas[i], &size, nullptr, 0) != 0) arenas[i] = 0;
    }
}

int arena_flags() {
    const auto thread = reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
    return MALLOCX_ARENA(arenas[(thread >> 12) * 0x9e3779b97f4a7c15 >> 62]) |
           MALLOCX_TCACHE_NONE;  // Knuth, 6.4
}
static_assert(kArenas == 4);

constexpr int kFlags = MALLOCX_TCACHE_NONE;

int flags_for(size_t alignment) {
    return alignment <= kOrdinaryAlignment ? arena_flags() : MALLOCX_ALIGN(alignment) | arena_flags();
}

// jemalloc registers its handlers of fork at its first call, which must not be another one's: tarn's are to
// enclose them, and a module that is preloaded may come before jemalloc's constructor has run.
int start() {
    void* block = mallocx(kOrdinaryAlignment, kFlags);
    if (!block) return -1;
    make_arenas();
    dallocx(block, kFlags);
    return 0;
}

void* allocate(size_t size, size_t alignment) {
    return mallocx(size, flags_for(alignment));
}

void* allocate_zeroed(size_t size, size_t alignment) {
    return mallocx(size, flags_for(alignment) | MALLOCX_ZERO);
}

void free_block(void* block, size_t) {
    dallocx(block, kFlags);
}

// In place only: tarn copies better, since it knows what is likely to grow again.
void* resize(void* block, size_t, size_t new_size) {
    return xallocx(block, new_size, 0, kFlags) >= new_size ? block : nullptr;
}

size_t usable_size(void* block) {
    return sallocx(block, kFlags);
}

size_t read_size(const char* name) {
    size_t value = 0;
    size_t length = sizeof value;
    return mallctl(name, &value, &length, nullptr, 0) == 0 ? value : 0;
}

void stats(tarn_backend_stats* out) {
    uint64_t epoch = 1;
    mallctl("epoch", nullptr, nullptr, &epoch, sizeof epoch);
    const size_t active = read_size("stats.active");
    const size_t resident = read_size("stats.resident");
    out->committed = read_size("stats.mapped");
    out->cached = resident > active ? resident - active : 0;
}

int trim() {
    return mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0) == 0;  // 4096: MALLCTL_ARENAS_ALL
}

constexpr tarn_backend kTable = {
    .version = TARN_BACKEND_VERSION,
    .size = sizeof(tarn_backend),
    .name = "jemalloc",
    .start = start,
    .allocate = allocate,
    .allocate_zeroed = allocate_zeroed,
    .free = free_block,
    .resize = resize,
    .usable_size = usable_size,
    .stats = stats,
    .trim = trim,
    .before_fork = nullptr,
    .after_fork_parent = nullptr,
    .after_fork_child = nullptr,
    .flags = TARN_BACKEND_LOCKS_AT_FORK,
};

}  // namespace

extern "C" [[gnu::visibility("default")]] const tarn_backend* tarn_backend_entry() {
    return &kTable;
}
