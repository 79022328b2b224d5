// SPDX-License-Identifier: MIT
// No allocators, but something like it: each does one thing to every program that it is preloaded into.
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

__attribute__((constructor)) static void begin(void) {
#if defined SLOW
    struct timespec moment = {0, 60000000};
    nanosleep(&moment, NULL);
#elif defined FAT
    size_t size = 40 << 20;
    void* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) memset(memory, 1, size);
#elif defined CRASHES
    abort();
#elif defined WRITES
    if (write(1, "extra\n", 6) != 6) _exit(1);
#endif
}
