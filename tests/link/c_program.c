/* SPDX-License-Identifier: MIT
 *
 * A C program linked with tarn, shared or static: everything that allocates must arrive there. Prints "ok"
 * when every part did what it should; the numbers of tarn itself say whether it was tarn. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tarn/tarn.h"

static void require(int holds, const char* what) {
    if (holds) return;
    fprintf(stderr, "does not hold: %s\n", what);
    _exit(1);
}

static uint64_t allocations(void) {
    static tarn_stats stats;
    stats.version = TARN_STATS_VERSION;
    require(tarn_stats_get(&stats, sizeof stats) == 0, "tarn_stats_get");
    return stats.allocations;
}

/* What libc makes for us comes from tarn as well. */
static void served_by_tarn(void) {
    static void* volatile kept[1000];
    kept[0] = malloc(100000); /* loads the backend, which allocates for itself */
    free(kept[0]);
    uint64_t before = allocations();
    for (size_t i = 0; i < 1000; ++i)
        kept[i] = malloc(i * 60);
    require(allocations() - before == 1000, "malloc is tarn's");
    for (size_t i = 0; i < 1000; ++i)
        free(kept[i]);
    before = allocations();
    char* copy = strdup("words");
    char* text = NULL;
    require(asprintf(&text, "%s and %d", copy, 5) == 11, "asprintf");
    require(allocations() - before >= 2, "strdup and asprintf are served by tarn");
    free(copy);
    free(text);
    before = allocations();
    void* aligned = NULL;
    require(posix_memalign(&aligned, 4096, 100) == 0 && (uintptr_t)aligned % 4096 == 0, "posix_memalign");
    void* others[] = {memalign(64, 10),  aligned_alloc(256, 256),  valloc(10), pvalloc(10), calloc(3, 3),
                      realloc(NULL, 30), reallocarray(NULL, 5, 5), aligned};
    require(allocations() - before == 8, "the whole family is tarn's");
    for (size_t i = 0; i < 8; ++i) {
        require(malloc_usable_size(others[i]) >= 9, "malloc_usable_size");
        free(others[i]);
    }
}

static void large_blocks(void) {
    char* block = calloc(1, 5 << 20);
    for (int mib = 5; mib < 60; mib += 5) {
        block[mib << 19] = 7;
        block = realloc(block, (size_t)(mib + 5) << 20);
        require(block && block[mib << 19] == 7, "large blocks grow and keep their contents");
    }
    free(block);
    errno = 0;
    void* volatile huge = malloc(SIZE_MAX / 4 * (size_t)(getpid() > 0));
    require(!huge && errno == ENOMEM, "a huge size sets ENOMEM");
}

static void* work(void* list) {
    void** objects = list;
    for (int round = 0; round < 100; ++round)
        for (size_t i = 0; i < 100; ++i) {
            free(objects[i]);
            objects[i] = malloc(1 + (i * 97) % 3000);
            memset(objects[i], 1, 1 + (i * 97) % 3000);
        }
    return NULL;
}

static void threads(void) {
    static void* lists[4][100];
    for (int round = 0; round < 10; ++round) {
        pthread_t ids[4];
        for (int i = 0; i < 4; ++i)
            require(!pthread_create(&ids[i], NULL, work, lists[(i + round) % 4]), "thread");
        for (int i = 0; i < 4; ++i)
            pthread_join(ids[i], NULL);
    }
    for (int i = 0; i < 4; ++i)
        for (int k = 0; k < 100; ++k)
            free(lists[i][k]);
}

static void children(void) {
    static void* list[100];
    pthread_t id;
    require(!pthread_create(&id, NULL, work, list), "thread");
    for (int i = 0; i < 50; ++i) {
        pid_t child = fork();
        if (child == 0) {
            static void* mine[100];
            work(mine);
            _exit(0);
        }
        int status = 1;
        require(waitpid(child, &status, 0) == child && status == 0, "fork");
    }
    pthread_join(id, NULL);
}

static void streams(void) {
    char* text = NULL;
    size_t length = 0;
    FILE* memory = open_memstream(&text, &length);
    for (int i = 0; i < 10000; ++i)
        fprintf(memory, "%d\n", i);
    fclose(memory);
    require(length == 48890, "open_memstream");
    FILE* reader = fmemopen(text, length, "r");
    char* line = NULL;
    size_t room = 0;
    int lines = 0;
    while (getline(&line, &room, reader) > 0)
        ++lines;
    require(lines == 10000, "getline");
    free(line);
    fclose(reader);
    free(text);
}

int main(void) {
    served_by_tarn();
    large_blocks();
    threads();
    children();
    streams();
    require(malloc_trim(0) <= 1 && mallinfo2().uordblks < (1 << 20), "malloc_trim and mallinfo2");
    puts("ok");
    return 0;
}
