/* SPDX-License-Identifier: MIT
 *
 * A backend built with nothing of tarn's but the public header: one mapping per block, everything counted.
 * PLUGIN_MODE makes it misbehave in one way. It fills what it hands out, so that nobody takes dirt for zeros,
 * and it disturbs errno in every call. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "plugin_counts.h"
#include "tarn/backend.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT struct plugin_counts plugin_counts;

static atomic_int fork_in_progress;

static int mode_is(const char* mode) {
    const char* wanted = getenv("PLUGIN_MODE");
    return wanted && strcmp(wanted, mode) == 0;
}

static void count(int* counter) {
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
    if (atomic_load(&fork_in_progress)) __atomic_fetch_add(&plugin_counts.inside_fork, 1, __ATOMIC_RELAXED);
    errno = EOWNERDEAD;
}

/* Requests of tarn's front end while it loads us: large ones must be served by somebody else. */
__attribute__((constructor)) static void allocate_while_loading(void) {
    char* volatile block = malloc(60000);
    memset(block, 1, 60000);
    free(block);
}

static int start(void) {
    ++plugin_counts.starts;
    free(malloc(60000));
    return mode_is("start_fails") ? -1 : 0;
}

static size_t round_up(size_t size, size_t to) {
    return (size + to - 1) / to * to;
}

/* Live blocks, so that every size tarn hands back can be checked. */
enum { kBlocks = 4096 };
static struct {
    char* at;
    size_t size;
} blocks[kBlocks];
static atomic_flag blocks_lock = ATOMIC_FLAG_INIT;

/* What is known of the block at `from` moves to `to`, with `size`; the old size, 0 when it was not known. */
static size_t change_block(char* from, char* to, size_t size) {
    while (atomic_flag_test_and_set(&blocks_lock)) {
    }
    int i = 0;
    while (i < kBlocks && blocks[i].at != from)
        ++i;
    size_t old_size = 0;
    if (i < kBlocks) {
        old_size = blocks[i].size;
        blocks[i].at = to;
        blocks[i].size = size;
    }
    atomic_flag_clear(&blocks_lock);
    return old_size;
}

static size_t size_of(char* block) {
    for (int i = 0; i < kBlocks; ++i)
        if (blocks[i].at == block) return blocks[i].size;
    return 0;
}

static void* map_block(size_t size, size_t alignment) {
    const size_t page = 4096;
    if (mode_is("always_full")) return NULL;
    if (alignment < page) alignment = page;
    const size_t length = round_up(size, page);
    char* at = mmap(NULL, length + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return NULL;
    char* block = (char*)round_up((uintptr_t)at, alignment);
    char* end = at + length + alignment;
    if (block > at) munmap(at, (size_t)(block - at));
    if (block + length < end) munmap(block + length, (size_t)(end - (block + length)));
    change_block(NULL, block, length);
    return block;
}

static void* allocate(size_t size, size_t alignment) {
    void* block = map_block(size, alignment);
    if (block) memset(block, 0xa5, size);
    count(&plugin_counts.allocations);
    return block;
}

static void* allocate_zeroed(size_t size, size_t alignment) {
    void* block = map_block(size, alignment);
    count(&plugin_counts.allocations);
    count(&plugin_counts.zeroed);
    return block;
}

static void free_block(void* block, size_t size) {
    const size_t known = change_block(block, NULL, 0);
    if (round_up(size, 4096) != known) count(&plugin_counts.wrong_sizes);
    munmap(block, known);
    count(&plugin_counts.frees);
}

static void* resize(void* block, size_t old_size, size_t new_size) {
    count(&plugin_counts.resizes);
    if (old_size != size_of(block)) count(&plugin_counts.wrong_sizes);
    char* moved = mremap(block, old_size, round_up(new_size, 4096), MREMAP_MAYMOVE);
    if (moved == MAP_FAILED) return NULL;
    change_block(block, moved, round_up(new_size, 4096));
    return moved;
}

static size_t usable_size(void* block) {
    return size_of(block);
}

static void stats(tarn_backend_stats* out) {
    out->committed = 0;
    for (int i = 0; i < kBlocks; ++i)
        out->committed += blocks[i].size;
}

static int trim(void) {
    count(&plugin_counts.trims);
    return 0;
}

static void before_fork(void) {
    atomic_fetch_add(&fork_in_progress, 1);
    ++plugin_counts.forks_before;
}
static void after_fork_parent(void) {
    atomic_fetch_sub(&fork_in_progress, 1);
    ++plugin_counts.forks_parent;
}
static void after_fork_child(void) {
    atomic_store(&fork_in_progress, 0);
    ++plugin_counts.forks_child;
}

static tarn_backend table = {
    .version = TARN_BACKEND_VERSION,
    .size = sizeof(tarn_backend),
    .name = "test plugin",
    .start = start,
    .allocate = allocate,
    .allocate_zeroed = allocate_zeroed,
    .free = free_block,
    .resize = resize,
    .usable_size = usable_size,
    .stats = stats,
    .trim = trim,
    .before_fork = before_fork,
    .after_fork_parent = after_fork_parent,
    .after_fork_child = after_fork_child,
    .flags = 0,
};

EXPORT const tarn_backend* tarn_backend_entry(void) {
    if (mode_is("other_version")) table.version = TARN_BACKEND_VERSION + 1;
    /* Compiled against a table that ended with `free`: what follows is not the plugin's. */
    if (mode_is("old_table")) table.size = offsetof(tarn_backend, resize);
    if (mode_is("short_table")) table.size = offsetof(tarn_backend, free);
    if (mode_is("no_table")) return NULL;
    return &table;
}
