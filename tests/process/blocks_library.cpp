// SPDX-License-Identifier: MIT
// A library whose constructor starts a thread that allocates blocks, and waits for it: all the while the
// dynamic linker's lock is held.
#include <pthread.h>
#include <stdlib.h>

namespace {

void* warm_up(void*) {
    constexpr int kBlocks = 1500;
    static void* blocks[kBlocks];
    for (void*& block : blocks)
        *static_cast<char*>(block = malloc(40000)) = 1;
    for (void* block : blocks)
        free(block);
    return nullptr;
}

[[gnu::constructor]] void start() {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, warm_up, nullptr) == 0) pthread_join(thread, nullptr);
}

}  // namespace
