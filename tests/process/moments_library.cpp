// SPDX-License-Identifier: MIT
// Its constructor starts a thread that allocates and waits for it, as pools of threads do; the dynamic
// linker's lock is held meanwhile.
#include <pthread.h>
#include <stdlib.h>

#include <initializer_list>

static void* blocks[1100];

static void* allocate(void*) {
    for (size_t size : {100, 40000, 300000}) {
        for (void*& block : blocks)
            *static_cast<char*>(block = malloc(size)) = 1;
        for (void* block : blocks)
            free(block);
    }
    return nullptr;
}

[[gnu::constructor]] static void start_and_wait() {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, allocate, nullptr)) abort();
    pthread_join(thread, nullptr);
}
