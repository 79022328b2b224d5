/* SPDX-License-Identifier: MIT
 * Every function of arena.h, from C. A failed check ends the program with the line that failed. */
#define _POSIX_C_SOURCE 200809L
#include "tarn/arena.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#include "tarn/tarn.h"

#define CHECK(condition)   \
    ((condition) ? (void)0 \
                 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition), abort()))

static tarn_arena_stats stats_of(const tarn_arena* arena) {
    tarn_arena_stats stats;
    CHECK(tarn_arena_stats_get(arena, &stats, sizeof stats) == 0);
    CHECK(stats.version == TARN_ARENA_STATS_VERSION);
    CHECK(stats.used + stats.wasted + stats.left == stats.capacity);
    return stats;
}

static uint64_t live_bytes(void) {
    tarn_stats stats;
    CHECK(tarn_stats_get(&stats, sizeof stats) == 0);
    return stats.live_bytes;
}

static void sizes_and_alignments(void) {
    static const size_t sizes[] = {0, 1, 7, 8, 9, 48, 1000, 5000, 100000, 2000000};
    tarn_arena* arena = tarn_arena_create(0, 0);
    CHECK(arena != NULL);
    for (size_t alignment = 1; alignment <= 65536; alignment *= 2)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
            char* at = tarn_arena_allocate(arena, sizes[i], alignment);
            CHECK(at != NULL && (uintptr_t)at % alignment == 0);
            memset(at, 0xa5, sizes[i]);
        }
    stats_of(arena);
    tarn_arena_destroy(arena);
    tarn_arena_destroy(NULL);
}

static void what_cannot_be_is_refused(void) {
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 4096, PTRDIFF_MAX, (size_t)1 << 56};
    tarn_arena* arena = tarn_arena_create(0, 0);
    char* text = tarn_arena_string(arena, "kept", 4);
    const tarn_arena_stats before = stats_of(arena);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        errno = 0;
        CHECK(!tarn_arena_allocate(arena, sizes[i], 1) && errno == ENOMEM);
        errno = 0;
        CHECK(!tarn_arena_allocate(arena, sizes[i], 4096) && errno == ENOMEM);
        errno = 0;
        CHECK(!tarn_arena_string(arena, "x", sizes[i]) && errno == ENOMEM);
        errno = 0;
        CHECK(!tarn_arena_resize(arena, text, 5, sizes[i], 1) && errno == ENOMEM);
        CHECK(tarn_arena_extend(arena, text, 5, sizes[i]) == -1);
    }
    errno = 0;
    CHECK(!tarn_arena_allocate(arena, 8, (size_t)1 << 63) && errno == ENOMEM);
    errno = 0;
    CHECK(!tarn_arena_copy(arena, text, SIZE_MAX / 8 + 2, 8, 8) && errno == ENOMEM);
    static const size_t no_alignments[] = {0, 3, 12, 24, 4097};
    for (size_t i = 0; i < sizeof no_alignments / sizeof *no_alignments; ++i) {
        errno = 0;
        CHECK(!tarn_arena_allocate(arena, 8, no_alignments[i]) && errno == EINVAL);
        errno = 0;
        CHECK(!tarn_arena_resize(arena, text, 5, 500000, no_alignments[i]) && errno == EINVAL);
    }
    errno = 0;
    CHECK(!tarn_arena_create(8192, 4096) && errno == EINVAL);
    errno = 0;
    CHECK(!tarn_arena_create(SIZE_MAX, 0) && errno == ENOMEM);
    const tarn_arena_stats after = stats_of(arena);
    CHECK(memcmp(&before, &after, sizeof before) == 0 && strcmp(text, "kept") == 0);
    tarn_arena_destroy(arena);
}

static void texts_and_copies(void) {
    tarn_arena* arena = tarn_arena_create(512, 512);
    char* text = tarn_arena_string(arena, "hello, world", 5);
    CHECK(strcmp(text, "hello") == 0);
    CHECK(tarn_arena_string(arena, NULL, 0)[0] == 0);
    static const int numbers[] = {1, 2, 3};
    int* copy = tarn_arena_copy(arena, numbers, 3, sizeof *numbers, sizeof *numbers);
    CHECK(copy != numbers && memcmp(copy, numbers, sizeof numbers) == 0);
    CHECK(tarn_arena_copy(arena, NULL, 0, 8, 8) != NULL);

    size_t length = 0;
    CHECK(strcmp(tarn_arena_format(arena, &length, "%s %d", "x", 17), "x 17") == 0 && length == 4);
    CHECK(strcmp(tarn_arena_format(arena, NULL, "%5.1f", 2.5), "  2.5") == 0);
    /* Of every length around the room that is left, in small and large. */
    for (int n = 0; n < 2000; n += 7) {
        char* printed = tarn_arena_format(arena, &length, "%0*d", n + 1, 3);
        CHECK(length == (size_t)n + 1 && strlen(printed) == length && printed[n] == '3');
    }
    /* One character too many for the room that is left, and as many as it holds. */
    for (int more = 1; more >= 0; --more) {
        const size_t left = (size_t)stats_of(arena).left;
        const char* next = tarn_arena_allocate(arena, 0, 1);
        char* printed = tarn_arena_format(arena, &length, "%0*d", (int)left - 1 + more, 3);
        CHECK(strlen(printed) == length && (printed == next) == !more);
    }
    const tarn_arena_stats before = stats_of(arena);
    length = 99;
    CHECK(!tarn_arena_format(arena, &length, "%lc", (wint_t)0x7fffffff) && length == 99);
    const tarn_arena_stats after = stats_of(arena);
    CHECK(before.used == after.used && strcmp(text, "hello") == 0);
    tarn_arena_destroy(arena);
}

static void the_last_object_grows_and_shrinks(void) {
    tarn_arena* arena = tarn_arena_create(0, 0);
    char* first = tarn_arena_allocate(arena, 10, 1);
    char* last = tarn_arena_allocate(arena, 10, 1);
    CHECK(tarn_arena_extend(arena, first, 10, 11) == -1);
    CHECK(tarn_arena_extend(arena, first, 10, 5) == 0);
    CHECK(tarn_arena_extend(arena, last, 10, 100) == 0);
    CHECK(tarn_arena_extend(arena, last, 100, 5000) == -1); /* no room */
    CHECK(tarn_arena_extend(arena, last, 100, 8) == 0);
    CHECK((char*)tarn_arena_allocate(arena, 1, 1) == last + 8); /* what it gave back */

    memcpy(first, "0123456789", 10);
    char* moved = tarn_arena_resize(arena, first, 10, 20, 1);
    CHECK(moved != first && memcmp(moved, "0123456789", 10) == 0);
    CHECK(tarn_arena_resize(arena, moved, 20, 40, 1) == moved);
    CHECK(tarn_arena_resize(arena, NULL, 0, 30, 64) != NULL);
    tarn_arena_destroy(arena);
}

/* A text that grows by one byte at a time is moved a few times only, and so is a large block. */
static void growing_is_cheap(size_t start, size_t end, size_t step) {
    tarn_arena* arena = tarn_arena_create(0, 0);
    char* text = tarn_arena_allocate(arena, start, 1);
    memset(text, 'x', start);
    int moves = 0;
    size_t capacity_growths = 0;
    uint64_t capacity = stats_of(arena).capacity;
    for (size_t size = start; size < end; size += step) {
        char* grown = tarn_arena_resize(arena, text, size, size + step, 1);
        CHECK(grown != NULL);
        moves += grown != text;
        text = grown;
        memset(text + size, 'x', step);
        const uint64_t now = stats_of(arena).capacity;
        capacity_growths += now != capacity;
        capacity = now;
    }
    for (size_t i = 0; i < end; ++i)
        CHECK(text[i] == 'x');
    CHECK(moves <= 20 && capacity_growths <= 20);
    CHECK(end > TARN_ARENA_LARGEST_CHUNK || stats_of(arena).larges == 0);
    CHECK(capacity <= 6 * end + 65536);
    tarn_arena_destroy(arena);
}

static char trace[64];
static tarn_arena* traced;
static void note(void* context) {
    strcat(trace, context);
}
static void note_and_allocate(void* context) {
    memset(tarn_arena_allocate(traced, 100000, 16), 1, 100000);
    strcat(tarn_arena_string(traced, "a text of the cleanup", 21), "");
    strcat(trace, context);
}

static void cleanups_run_newest_first(void) {
    static char a[] = "a", b[] = "b", c[] = "c", d[] = "d";
    tarn_arena* arena = traced = tarn_arena_create(0, 0);
    tarn_arena_cleanup own;
    CHECK(tarn_arena_on_rewind(arena, note, a) == 0);
    const tarn_arena_mark mark = tarn_arena_mark_get(arena);
    CHECK(tarn_arena_on_rewind(arena, note, b) == 0);
    CHECK(tarn_arena_allocate(arena, 100000, 1) != NULL);
    tarn_arena_push_cleanup(arena, &own, note, c);
    CHECK(stats_of(arena).cleanups == 3);
    tarn_arena_rewind(arena, mark);
    CHECK(strcmp(trace, "cb") == 0 && stats_of(arena).cleanups == 1);
    CHECK(tarn_arena_on_rewind(arena, note_and_allocate, d) == 0);
    tarn_arena_reset(arena);
    CHECK(strcmp(trace, "cbda") == 0 && stats_of(arena).used == 0 && stats_of(arena).larges == 0);
    tarn_arena_reset(arena);
    CHECK(strcmp(trace, "cbda") == 0);
    CHECK(tarn_arena_on_rewind(arena, note, b) == 0);
    tarn_arena_destroy(arena);
    CHECK(strcmp(trace, "cbdab") == 0);
}

static void marks_nest(void) {
    enum { kDepth = 60 };
    tarn_arena* arena = tarn_arena_create(512, 4096);
    tarn_arena_mark marks[kDepth];
    tarn_arena_stats at[kDepth];
    char* texts[kDepth];
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < kDepth; ++i) {
            texts[i] = tarn_arena_format(arena, NULL, "text %d", i);
            marks[i] = tarn_arena_mark_get(arena);
            at[i] = stats_of(arena);
            memset(tarn_arena_allocate(arena, (size_t)i * 37 % 900, 1), 1, (size_t)i * 37 % 900);
            if (i % 7 == 0) memset(tarn_arena_allocate(arena, 3000, 64), 2, 3000);
        }
        for (int i = kDepth - 1; i >= 0; i -= 3) {
            tarn_arena_rewind(arena, marks[i]);
            const tarn_arena_stats now = stats_of(arena);
            CHECK(now.used == at[i].used && now.larges == at[i].larges && now.chunks == at[i].chunks);
            char expected[16];
            snprintf(expected, sizeof expected, "text %d", i);
            CHECK(strcmp(texts[i], expected) == 0);
        }
        tarn_arena_reset(arena);
    }
    tarn_arena_destroy(arena);
}

/* The second time, the same work finds its chunks again. */
static void a_reset_keeps_chunks(void) {
    tarn_arena* arena = tarn_arena_create(1024, 65536);
    const uint64_t live_start = live_bytes();
    for (int i = 0; i < 3000; ++i)
        CHECK(tarn_arena_allocate(arena, 100, 8) != NULL);
    const tarn_arena_stats full = stats_of(arena);
    CHECK(full.chunks > 4 && full.wasted <= full.capacity / 4 && full.spare == 0 && full.larges == 0);
    const uint64_t live_full = live_bytes();
    CHECK(live_full > live_start);
    tarn_arena_reset(arena);
    const tarn_arena_stats empty = stats_of(arena);
    CHECK(empty.used == 0 && empty.chunks == 1 && empty.capacity + empty.spare == full.capacity);
    for (int i = 0; i < 3000; ++i)
        CHECK(tarn_arena_allocate(arena, 100, 8) != NULL);
    CHECK(live_bytes() == live_full && stats_of(arena).spare == 0);
    tarn_arena_reset(arena);
    const uint64_t spare = stats_of(arena).spare;
    CHECK(tarn_arena_trim(arena) >= spare && stats_of(arena).spare == 0 && live_bytes() == live_start);
    CHECK(tarn_arena_trim(arena) == 0);
    CHECK(arena->name == NULL);
    tarn_arena_name(arena, "objects"); /* without a profile nothing comes of it */
    CHECK(tarn_arena_allocate(arena, 5000000, 8) != NULL && strcmp(arena->name, "objects") == 0);
    tarn_arena_destroy(arena);
}

static void a_large_request_leaves_the_chunk_alone(void) {
    tarn_arena* arena = tarn_arena_create(4096, 65536);
    char* before = tarn_arena_allocate(arena, 8, 8);
    CHECK(tarn_arena_allocate(arena, 500000, 8) != NULL);
    char* after = tarn_arena_allocate(arena, 8, 8);
    CHECK(after == before + 8);
    const tarn_arena_stats stats = stats_of(arena);
    CHECK(stats.larges == 1 && stats.chunks == 1 && stats.wasted == 0);
    /* Nor does one that is not large, while there is much left. */
    CHECK(tarn_arena_allocate(arena, (size_t)stats_of(arena).left - 1500, 8) != NULL);
    CHECK(tarn_arena_allocate(arena, 1600, 8) != NULL);
    CHECK(stats_of(arena).larges == 2 && stats_of(arena).left >= 1496);
    tarn_arena_destroy(arena);
}

/* Requests that are large for a small arena make its chunks grow, so that few blocks are made. */
static void many_middling_requests_make_chunks_grow(void) {
    tarn_arena* arena = tarn_arena_create(0, 0);
    for (int i = 0; i < 5000; ++i)
        memset(tarn_arena_allocate(arena, 2000, 8), 1, 2000);
    const tarn_arena_stats stats = stats_of(arena);
    CHECK(stats.larges < 10 && stats.chunks < 30 && stats.wasted < stats.capacity / 10);
    tarn_arena_destroy(arena);
}

static void a_buffer_comes_first(void) {
    char buffer[1000];
    tarn_arena arena;
    for (size_t skip = 0; skip < 16; ++skip) {
        const uint64_t live = live_bytes();
        tarn_arena_init_buffer(&arena, buffer + skip, sizeof buffer - skip);
        char* in = tarn_arena_allocate(&arena, 900, 1);
        CHECK(in >= buffer + skip && in + 900 <= buffer + sizeof buffer && live_bytes() == live);
        char* out = tarn_arena_allocate(&arena, 900, 16);
        CHECK((out < buffer || out >= buffer + sizeof buffer) && live_bytes() > live);
        tarn_arena_release(&arena);
        CHECK(live_bytes() == live && stats_of(&arena).used == 0);
        CHECK(tarn_arena_allocate(&arena, 900, 1) == in);
        tarn_arena_destroy(&arena); /* which does not free what it has not made */
    }
    for (size_t size = 0; size < 40; ++size) { /* no room, or hardly any */
        tarn_arena_init_buffer(&arena, size % 2 ? buffer + size % 7 : NULL, size % 2 ? size : 0);
        for (int i = 0; i < 10; ++i) {
            char* at = tarn_arena_allocate(&arena, 5, 4);
            memset(at, 1, 5);
            const char* begin = buffer + size % 7;
            CHECK(at >= buffer + sizeof buffer || at < buffer || (at >= begin && at + 5 <= begin + size));
        }
        tarn_arena_release(&arena);
        CHECK(tarn_arena_allocate(&arena, 0, 1) != NULL);
        tarn_arena_release(&arena);
    }
}

/* Chunks after a buffer of an odd size end where an aligned object may end. */
static void a_buffer_of_any_size(void) {
    static char buffer[2061];
    tarn_arena arena;
    tarn_arena_init_buffer(&arena, buffer, sizeof buffer);
    for (int i = 0; i < 100; ++i) {
        CHECK(tarn_arena_allocate(&arena, 100, 16) != NULL);
        CHECK((uintptr_t)arena.end % 16 == 0 && arena.next <= arena.end);
    }
    tarn_arena_release(&arena);
}

static void statistics_of_any_size(void) {
    tarn_arena* arena = tarn_arena_create(0, 0);
    unsigned char room[sizeof(tarn_arena_stats) + 16];
    CHECK(tarn_arena_stats_get(arena, NULL, sizeof room) == -1);
    CHECK(tarn_arena_stats_get(arena, (tarn_arena_stats*)(void*)room, 7) == -1);
    memset(room, 0xee, sizeof room);
    CHECK(tarn_arena_stats_get(arena, (tarn_arena_stats*)(void*)room, 8) == 0 && room[8] == 0xee);
    CHECK(tarn_arena_stats_get(arena, (tarn_arena_stats*)(void*)room, sizeof room) == 0);
    CHECK(room[sizeof room - 1] == 0);
    tarn_arena_destroy(arena);
}

/* A mark that is gone ends the program, where the arena can tell. */
static void a_stale_mark_is_noticed(void) {
    const pid_t child = fork();
    if (child == 0) {
        close(2);
        tarn_arena* arena = tarn_arena_create(512, 512);
        for (int i = 0; i < 100; ++i)
            tarn_arena_allocate(arena, 100, 8);
        const tarn_arena_mark mark = tarn_arena_mark_get(arena);
        tarn_arena_reset(arena);
        tarn_arena_rewind(arena, mark);
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void) {
    sizes_and_alignments();
    what_cannot_be_is_refused();
    texts_and_copies();
    the_last_object_grows_and_shrinks();
    growing_is_cheap(1, 300000, 1);
    growing_is_cheap(2000000, 20000000, 100000);
    cleanups_run_newest_first();
    marks_nest();
    a_reset_keeps_chunks();
    a_large_request_leaves_the_chunk_alone();
    many_middling_requests_make_chunks_grow();
    a_buffer_comes_first();
    a_buffer_of_any_size();
    statistics_of_any_size();
    a_stale_mark_is_noticed();
    return 0;
}
