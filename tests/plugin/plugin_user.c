/* SPDX-License-Identifier: MIT
 *
 * A program under tarn: plugin_user FACT PLUGIN. It ends with status 0 when the fact holds and otherwise says
 * which line does not. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugin_counts.h"

enum { kBlock = 100000 };

static const char* plugin;

static void require_at(int holds, const char* what, int line) {
    if (holds) return;
    dprintf(2, "plugin_user.c:%d: does not hold: %s\n", line, what);
    _exit(1);
}
#define REQUIRE(condition) require_at(condition, #condition, __LINE__)

/* NULL when the plugin is not in the process. */
static struct plugin_counts* counts(void) {
    void* handle = dlopen(plugin, RTLD_NOW | RTLD_NOLOAD);
    return handle ? dlsym(handle, "plugin_counts") : NULL;
}

static void use(char* block, size_t size) {
    REQUIRE(block != NULL);
    memset(block, 0x11, size);
}

static int all_zero(const char* block, size_t size) {
    for (size_t i = 0; i < size; ++i)
        if (block[i]) return 0;
    return 1;
}

static void serves(void) {
    struct plugin_counts* c = counts();
    REQUIRE(c != NULL && c->starts == 1 && c->allocations == 0); /* it is loaded before main */
    char* block = malloc(kBlock);
    use(block, kBlock);
    REQUIRE(c->starts == 1 && c->allocations == 1 && c->frees == 0);
    free(block);
    REQUIRE(c->frees == 1);
    char* zeroed = calloc(1, kBlock);
    REQUIRE(zeroed && all_zero(zeroed, kBlock));
    REQUIRE(c->allocations == 2 && c->zeroed == 1);
    free(zeroed);
    for (size_t alignment = 16; alignment <= 65536; alignment *= 2) {
        char* aligned = aligned_alloc(alignment, 65536);
        REQUIRE(aligned && (size_t)aligned % alignment == 0);
        use(aligned, 65536);
        free(aligned);
    }
    REQUIRE(c->allocations == 15 && c->frees == 15 && c->wrong_sizes == 0);
}

static void resizes(void) {
    char* block = malloc(40000);
    use(block, 40000);
    char* larger = realloc(block, 90000);
    REQUIRE(larger && larger[0] == 0x11 && larger[39999] == 0x11);
    REQUIRE(counts()->resizes == 1 && counts()->allocations == 1);
    larger = realloc(larger, 50000);
    REQUIRE(larger && larger[39999] == 0x11 && counts()->resizes == 2);
    larger = realloc(larger, 4000000); /* beyond what the backend gets: copied to a mapping of tarn's */
    REQUIRE(larger && larger[39999] == 0x11 && counts()->frees == 1);
    free(larger);
    REQUIRE(counts()->frees == 1 && counts()->wrong_sizes == 0);
}

static void keeps_errno(void) {
    errno = 0;
    char* block = malloc(40000);
    REQUIRE(errno == 0);
    block = realloc(block, 90000);
    REQUIRE(errno == 0);
    free(block);
    REQUIRE(errno == 0);
    REQUIRE(counts() != NULL && counts()->frees == 1);
}

/* A table that ends with `free` has no start, no zeroing of its own and no resize. */
static void old_table(void) {
    char* zeroed = calloc(1, kBlock);
    REQUIRE(zeroed && all_zero(zeroed, kBlock));
    REQUIRE(counts()->starts == 1 && counts()->allocations == 1 && counts()->zeroed == 1);
    use(zeroed, kBlock);
    zeroed = realloc(zeroed, 110000);
    REQUIRE(zeroed && zeroed[kBlock - 1] == 0x11);
    REQUIRE(counts()->resizes == 0 && counts()->frees == 1);
    free(zeroed);
    REQUIRE(counts()->frees == 2 && counts()->allocations == 2 && counts()->wrong_sizes == 0);
}

/* The plugin may or may not be in the process; it serves nothing. */
static void map_serves(void) {
    for (int i = 0; i < 100; ++i) {
        char* block = calloc(1, kBlock);
        REQUIRE(block && all_zero(block, kBlock));
        use(block, kBlock);
        block = realloc(block, 2 * kBlock);
        use(block, 2 * kBlock);
        free(block);
    }
    REQUIRE(counts() == NULL || (counts()->frees == 0 && counts()->resizes == 0));
}

static pthread_barrier_t barrier;

static void* allocate_at_once(void* blocks) {
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 20; ++i) {
        ((char**)blocks)[i] = malloc(kBlock);
        use(((char**)blocks)[i], kBlock);
    }
    return NULL;
}

/* The first block of several threads at once: nobody loads anything, and all blocks find their way back. */
static void started_once_whatever_the_threads_do(void) {
    enum { kThreads = 6 };
    static char* blocks[kThreads][20];
    pthread_t threads[kThreads];
    pthread_barrier_init(&barrier, NULL, kThreads);
    for (int i = 0; i < kThreads; ++i)
        pthread_create(&threads[i], NULL, allocate_at_once, blocks[i]);
    for (int i = 0; i < kThreads; ++i)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < kThreads; ++i)
        for (int k = 0; k < 20; ++k)
            free(blocks[i][k]);
    REQUIRE(counts()->starts == 1 && counts()->allocations <= kThreads * 20);
    REQUIRE(counts()->frees == counts()->allocations && counts()->wrong_sizes == 0);
}

static void* allocate_some(void* unused) {
    static char* blocks[1500];
    for (int i = 0; i < 1500; ++i)
        use(blocks[i] = malloc(40000), 40000);
    for (int i = 0; i < 1500; ++i)
        free(blocks[i]);
    return unused;
}

/* 16 KiB are what POSIX lets a thread have. */
static void serves_a_small_stack(void) {
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    REQUIRE(pthread_attr_setstacksize(&attributes, 16384) == 0);
    REQUIRE(pthread_create(&thread, &attributes, allocate_some, NULL) == 0);
    pthread_join(thread, NULL);
    REQUIRE(counts()->frees > 1000 && counts()->frees == counts()->allocations);
}

static volatile int stop;

static void* allocate_until_stopped(void* unused) {
    while (!stop) {
        char* block = malloc(kBlock);
        REQUIRE(block != NULL);
        block[0] = 1;
        free(block);
    }
    return unused;
}

/* Nobody enters the backend from before_fork to after_fork_*, however busy the threads are. */
static void nobody_inside_while_forking(void) {
    enum { kThreads = 3, kForks = 200 };
    free(malloc(kBlock));
    struct plugin_counts* c = counts();
    pthread_t threads[kThreads];
    for (int i = 0; i < kThreads; ++i)
        pthread_create(&threads[i], NULL, allocate_until_stopped, NULL);
    for (int i = 0; i < kForks; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(30);
            char* block = malloc(kBlock);
            use(block, kBlock);
            free(block);
            _exit(c->forks_child == 1 && c->forks_before == i + 1 ? 0 : 1);
        }
        int status = -1;
        REQUIRE(waitpid(child, &status, 0) == child);
        REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    stop = 1;
    for (int i = 0; i < kThreads; ++i)
        pthread_join(threads[i], NULL);
    REQUIRE(c->forks_before == kForks && c->forks_parent == kForks && c->forks_child == 0);
    REQUIRE(c->inside_fork == 0);
    REQUIRE(c->allocations > kForks && c->frees == c->allocations && c->wrong_sizes == 0);
}

int main(int argc, char** argv) {
    static const struct {
        const char* name;
        void (*run)(void);
    } facts[] = {{"serves", serves},
                 {"resizes", resizes},
                 {"keeps_errno", keeps_errno},
                 {"old_table", old_table},
                 {"map_serves", map_serves},
                 {"started_once_whatever_the_threads_do", started_once_whatever_the_threads_do},
                 {"serves_a_small_stack", serves_a_small_stack},
                 {"nobody_inside_while_forking", nobody_inside_while_forking}};
    if (argc != 3) return 2;
    plugin = argv[2];
    for (size_t i = 0; i < sizeof facts / sizeof *facts; ++i)
        if (strcmp(facts[i].name, argv[1]) == 0) return facts[i].run(), 0;
    dprintf(2, "no such fact: %s\n", argv[1]);
    return 2;
}
