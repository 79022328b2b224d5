// SPDX-License-Identifier: MIT
// Where a program's small objects waste memory: preloaded in front of tarn, it knows what was asked for of each, and
// what the object takes. When more is live than ever before, it notes both for each size class, and what tarn's slabs
// take; at exit it writes what it noted last to the descriptor WASTE_FD, as JSON (scripts/benchlib/waste.py reads it).
// One lock, and a table of all live blocks: for measuring memory, not time. Forked children write nothing.
#include <dlfcn.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <new>

#include "tarn/statistics.h"

namespace {

struct Real {
    void* (*malloc)(size_t);
    void* (*calloc)(size_t, size_t);
    void* (*realloc)(void*, size_t);
    void* (*aligned)(size_t, size_t);
    void (*free)(void*);
    int (*stats)(tarn_stats*, size_t);
};
Real real;

template <class Function>
void find(Function& function, const char* name) {
    void* const found = dlsym(RTLD_NEXT, name);
    if (!found) {
        fprintf(stderr, "waste: there is no %s behind this library: preload tarn after it\n", name);
        _exit(3);
    }
    memcpy(&function, &found, sizeof function);
}

// dlsym may allocate on the way.
alignas(16) char early[4096];
size_t early_used;
bool is_early(const void* block) {
    return block >= early && block < early + sizeof early;
}

const Real& behind() {
    static bool known;
    if (!known) {
        find(real.malloc, "malloc");
        find(real.calloc, "calloc");
        find(real.realloc, "realloc");
        find(real.aligned, "aligned_alloc");
        find(real.free, "free");
        find(real.stats, "tarn_stats_get");
        known = true;
    }
    return real;
}

std::atomic_flag busy = ATOMIC_FLAG_INIT;
struct Hold {
    Hold() {
        while (busy.test_and_set(std::memory_order_acquire)) {
        }
    }
    ~Hold() { busy.clear(std::memory_order_release); }
};

// What is live, by address. Linear probing; a freed place is closed by moving later ones up.
struct Entry {
    uintptr_t block;
    size_t asked;
};
constexpr size_t kPlaces = size_t{1} << 24;
Entry* live;
size_t place_of(uintptr_t block) {
    return (block * 0x9e3779b97f4a7c15u) >> 40;
}

constexpr size_t kStep = 16, kSmallMost = 32768, kSizes = kSmallMost / kStep + 1;
struct Sum {
    uint64_t objects, asked;
};
struct State {
    Sum sizes[kSizes];  // by usable size / 16; of larger blocks the first
    uint64_t bytes, large_bytes;
};
State now, peak;
tarn_stats at_peak;
uint64_t most;
pid_t process;

Sum& sum_of(size_t usable) {
    return now.sizes[usable <= kSmallMost ? usable / kStep : 0];
}

void note_peak() {
    if (now.bytes < most + most / 64) return;
    most = now.bytes;
    peak = now;
    real.stats(&at_peak, sizeof at_peak);
}

void add(void* block, size_t asked) {
    if (!block) return;
    const size_t usable = malloc_usable_size(block);
    Hold hold;
    if (!live) {
        live = static_cast<Entry*>(mmap(nullptr, kPlaces * sizeof(Entry), PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        process = getpid();
    }
    size_t at = place_of(reinterpret_cast<uintptr_t>(block));
    while (live[at].block)
        at = (at + 1) % kPlaces;
    live[at] = {reinterpret_cast<uintptr_t>(block), asked};
    Sum& sum = sum_of(usable);
    ++sum.objects;
    sum.asked += asked;
    now.bytes += usable;
    if (usable > kSmallMost) now.large_bytes += usable;
    note_peak();
}

void remove(void* block) {
    if (!block) return;
    const size_t usable = malloc_usable_size(block);
    Hold hold;
    if (!live) return;
    size_t at = place_of(reinterpret_cast<uintptr_t>(block));
    while (live[at].block && live[at].block != reinterpret_cast<uintptr_t>(block))
        at = (at + 1) % kPlaces;
    if (!live[at].block) return;
    Sum& sum = sum_of(usable);
    --sum.objects;
    sum.asked -= live[at].asked;
    now.bytes -= usable;
    if (usable > kSmallMost) now.large_bytes -= usable;
    size_t hole = at;
    for (size_t next = (at + 1) % kPlaces; live[next].block; next = (next + 1) % kPlaces) {
        const size_t home = place_of(live[next].block);
        if ((next - home) % kPlaces < (next - hole) % kPlaces) continue;
        live[hole] = live[next];
        hole = next;
    }
    live[hole] = {};
}

void* take(size_t size) {
    static thread_local bool inside;
    if (inside) {  // dlsym
        void* const block = early + early_used;
        early_used += (size + 15) / 16 * 16;
        return early_used <= sizeof early ? block : nullptr;
    }
    inside = true;
    const Real& next = behind();
    inside = false;
    void* const block = next.malloc(size);
    add(block, size);
    return block;
}

void give(void* block) {
    if (!block || is_early(block)) return;
    remove(block);
    behind().free(block);
}

int fd = -1;
[[gnu::constructor]] void know_fd() {  // a program may take its environment away
    if (const char* const name = getenv("WASTE_FD")) fd = atoi(name);
}

[[gnu::destructor]] void write_peak() {
    if (fd < 0 || !live || getpid() != process) return;
    {
        Hold hold;
        most = UINT64_MAX / 2;  // nothing is noted from here on, and writing may allocate
    }
    dprintf(fd, "{\"bytes\": %lu, \"large_bytes\": %lu, \"classes\": [", peak.bytes, peak.large_bytes);
    for (uint32_t c = 0; c < at_peak.classes; ++c) {
        const tarn_class_stats& its = at_peak.class_stats[c];
        const Sum& sum = peak.sizes[its.object_size / kStep];
        dprintf(fd,
                "%s\n{\"size\": %lu, \"objects\": %lu, \"asked\": %lu, \"slabs\": %lu, \"slab_bytes\": %lu}",
                c ? "," : "", its.object_size, sum.objects, sum.asked, its.slabs, its.slab_bytes);
    }
    dprintf(fd, "]}\n");
}

void* take_new(size_t size) {
    void* const block = take(size);
    if (!block) abort();  // it measures programs that have memory
    return block;
}

}  // namespace

extern "C" {

void* malloc(size_t size) {
    return take(size);
}
void free(void* block) {
    give(block);
}
void* calloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
    if (!real.calloc) {
        void* const block = take(bytes);
        return block ? memset(block, 0, bytes) : nullptr;
    }
    void* const block = real.calloc(count, size);
    add(block, bytes);
    return block;
}
void* realloc(void* block, size_t size) {
    if (!block || is_early(block)) return take(size);
    if (size == 0) return give(block), nullptr;
    remove(block);
    void* const moved = behind().realloc(block, size);
    add(moved ? moved : block, size);
    return moved;
}
void* aligned_alloc(size_t alignment, size_t size) {
    void* const block = behind().aligned(alignment, size);
    add(block, size);
    return block;
}
void* memalign(size_t alignment, size_t size) {
    return aligned_alloc(alignment, size);
}
int posix_memalign(void** where, size_t alignment, size_t size) {
    void* const block = aligned_alloc(alignment, size);
    if (!block) return 12;
    *where = block;
    return 0;
}

}  // extern "C"

void* operator new(size_t size) {
    return take_new(size);
}
void* operator new[](size_t size) {
    return take_new(size);
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
    return take(size);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
    return take(size);
}
void operator delete(void* block) noexcept {
    give(block);
}
void operator delete[](void* block) noexcept {
    give(block);
}
void operator delete(void* block, size_t) noexcept {
    give(block);
}
void operator delete[](void* block, size_t) noexcept {
    give(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
    give(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
    give(block);
}
