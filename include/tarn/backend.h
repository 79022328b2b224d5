/* SPDX-License-Identifier: MIT
 *
 * The plugin interface of tarn's backends: the allocator behind the size classes, which serves every
 * request above 32 KiB and the few others that no slab can serve (alignment above 16 KiB, no address space).
 *
 * A plugin is a shared object that exports `tarn_backend_entry`; TARN_BACKEND=/path/to/plugin.so loads it
 * before main, in the constructor of libtarn.so. All functions may be called by any thread at any time, but
 * none between before_fork and after_fork_*, and none while one runs in the same thread (a signal handler
 * that allocates over an interrupted call is served by tarn itself). They must not call malloc or free of the
 * program: those are tarn's, and would come back here.
 *
 * Sizes and alignments are in bytes; alignment is a power of two, at least 16.
 */
#ifndef TARN_BACKEND_H
#define TARN_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TARN_BACKEND_VERSION 1u

/* Flags. A handler of fork, the library's own or libc's, takes the backend's locks: tarn then blocks signals
 * during every call, so that a fork in a signal handler never waits for a lock that the signal
 * interrupted. */
#define TARN_BACKEND_LOCKS_AT_FORK 1u

/* A backend's own figures, in bytes; 0 where it does not know. */
typedef struct tarn_backend_stats {
    size_t committed; /* address space it may touch */
    size_t cached;    /* held for reuse, still resident */
} tarn_backend_stats;

typedef struct tarn_backend {
    uint32_t version; /* TARN_BACKEND_VERSION */
    uint32_t size;    /* sizeof(tarn_backend) when the plugin was compiled */
    const char* name; /* shown in reports */

    /* Called once before anything else, in libtarn.so's constructor. 0 on success; otherwise tarn warns and
     * uses its own mappings. Whatever must be set up, and is registered with libc (pthread_atfork, keys), is
     * so here: the other functions are called in any thread, which may have little stack. May be NULL. */
    int (*start)(void);

    /* Required. `size` bytes, NULL when there are none. Contents undefined. Size is never 0. */
    void* (*allocate)(size_t size, size_t alignment);

    /* The same, filled with zeros. NULL: tarn clears what allocate returned. */
    void* (*allocate_zeroed)(size_t size, size_t alignment);

    /* Required. `block` came from this backend; `size` is what usable_size said of it (or what was asked
     * for when there is no usable_size). */
    void (*free)(void* block, size_t size);

    /* A block of `new_size` bytes that holds the old contents, at the same place or a new one (the old
     * block is then gone). NULL when it cannot be done cheaply: the old block is untouched, and tarn
     * allocates, copies and frees. Alignment beyond 16 need not be kept and is never asked for here.
     * May be NULL. */
    void* (*resize)(void* block, size_t old_size, size_t new_size);

    /* Bytes that the owner may use, at least what was asked for. May be NULL: then what was asked for. */
    size_t (*usable_size)(void* block);

    /* May be NULL. */
    void (*stats)(tarn_backend_stats* stats);

    /* Returns cached memory to the operating system; 1 when any was. May be NULL. */
    int (*trim)(void);

    /* Around fork(): before, and after in parent and child. No other thread is inside this backend then;
     * `before_fork` must not wait for a lock that a thread may hold while it waits for libc.
     * Each may be NULL. */
    void (*before_fork)(void);
    void (*after_fork_parent)(void);
    void (*after_fork_child)(void);

    uint32_t flags; /* TARN_BACKEND_..., or 0 */
} tarn_backend;

/* A plugin exports this: a table that stays valid for the life of the process. */
const tarn_backend* tarn_backend_entry(void);

#ifdef __cplusplus
}
#endif
#endif
