// SPDX-License-Identifier: MIT
#include "ends.h"

#include <dlfcn.h>
#include <netdb.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker.h"

namespace stress {

namespace {

// Allocates and frees when the thread's objects are destroyed, and leaves a block to others.
struct Tail {
    uint64_t seed = 0;

    ~Tail() {
        if (!seed) return;
        Random random{seed};
        Block block;
        for (int i = 0; i < 30; ++i) {
            allocate(block, random, 1 + random.below(i % 10 ? 600 : 60000));
            release(block, random);
        }
        allocate(block, random, 1 + random.below(300));
        swap_with_shared(block, random);
        release(block, random);
    }
};
thread_local Tail tail;

void resolve() {
    addrinfo hints = {};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (getaddrinfo("::1", "53", &hints, &found) == 0) freeaddrinfo(found);
}

}  // namespace

void end_thread(Random& random, Ends ends) {
    const size_t kind = random.below(12);
    if (kind % 2) tail.seed = random.next() | 1;
    if (kind % 3 == 0 && strlen(strerror(99999)) == 0) fail("no text for a number", nullptr, 0);
    if (kind % 4 == 0 && dlsym(RTLD_DEFAULT, "a name that nobody has"))
        fail("a name that nobody has", nullptr, 0);
    if (kind == 5 || kind == 6) resolve();
    if (kind == 7 && ends == Ends::kAll) syscall(SYS_exit, 0);
}

}  // namespace stress
