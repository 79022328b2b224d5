// SPDX-License-Identifier: MIT
// Allocation while a thread ends: in destructors of thread-local objects and of keys, those included that
// run after the allocator's own.
#include <pthread.h>
#include <stdint.h>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;

namespace {

constexpr int kKeys = 60;
pthread_key_t keys[kKeys];
void* left_by_thread;

void use() {
    for (size_t size = 8; size < 60000; size = size * 3 / 2 + 8)
        free(memset(malloc(size), 1, size));
}

// Sets its key again until the C library gives up: the last rounds run long after everybody else's.
void destroy(void* value) {
    auto round = reinterpret_cast<uintptr_t>(value);
    use();
    if (round < 100) pthread_setspecific(keys[round % kKeys], reinterpret_cast<void*>(round + 1));
}

void* with_keys(void*) {
    for (pthread_key_t key : keys)
        pthread_setspecific(key, reinterpret_cast<void*>(uintptr_t{1}));
    use();
    return nullptr;
}

void run_thread(void* (*body)(void*), void* argument = nullptr) {
    pthread_t thread;
    require(pthread_create(&thread, nullptr, body, argument) == 0, "a thread starts");
    pthread_join(thread, nullptr);
}

void in_key_destructors() {
    for (pthread_key_t& key : keys)
        pthread_key_create(&key, destroy);
    for (int i = 0; i < 50; ++i)
        run_thread(with_keys);
}

struct Local {
    char* text = nullptr;
    ~Local() {
        free(text);
        use();
        left_by_thread = memset(malloc(777), 7, 777);
    }
};
thread_local Local local;

void in_thread_local_destructors() {
    for (int i = 0; i < 200; ++i) {
        run_thread([](void*) -> void* {
            local.text = static_cast<char*>(malloc(5000));
            return nullptr;
        });
        require(static_cast<char*>(left_by_thread)[776] == 7, "what the destructor made outlives the thread");
        free(left_by_thread);
    }
}

// Objects made after the allocator's own end of thread are not lost when another thread frees them.
void memory_of_late_objects_is_reused() {
    static void* slots[1000];
    static pthread_key_t late;
    pthread_key_create(&late, [](void* round) {
        auto number = reinterpret_cast<uintptr_t>(round);
        for (void*& slot : slots)
            memset(slot = realloc(slot, 500), 1, 500);
        if (number < 4) pthread_setspecific(late, reinterpret_cast<void*>(number + 1));
    });
    for (int i = 0; i < 500; ++i) {
        run_thread([](void*) -> void* {
            pthread_setspecific(late, reinterpret_cast<void*>(uintptr_t{1}));
            return nullptr;
        });
        for (void*& slot : slots) {
            free(slot);
            slot = nullptr;
        }
    }
    require(process::resident() < 64 * kMiB, "memory is reused");
}

// A thread that never allocates, yet frees: its first call is free.
void first_call_is_free() {
    for (size_t size : {size_t{8}, size_t{1000}, size_t{30000}, size_t{200000}, 4 * kMiB})
        for (int i = 0; i < 50; ++i)
            run_thread(
                [](void* object) -> void* {
                    free(object);
                    return nullptr;
                },
                memset(malloc(size), 1, size));
    require(process::resident() < 64 * kMiB, "memory is reused");
}

// What ended threads left is freed by main; the memory serves the next threads.
void objects_outlive_their_thread() {
    static void* objects[2000];
    for (int round = 0; round < 200; ++round) {
        run_thread([](void*) -> void* {
            for (void*& object : objects)
                memset(object = malloc(1000), 3, 1000);
            return nullptr;
        });
        for (void* object : objects) {
            require(static_cast<char*>(object)[999] == 3, "the object is as it was");
            free(object);
        }
    }
    require(process::resident() < 64 * kMiB, "memory is reused");
}

void cancelled_threads() {
    for (int i = 0; i < 100; ++i) {
        pthread_t thread;
        auto forever = [](void*) -> void* {
            for (;;) {
                use();
                pthread_testcancel();
            }
        };
        pthread_create(&thread, nullptr, forever, nullptr);
        usleep(500);
        pthread_cancel(thread);
        pthread_join(thread, nullptr);
    }
    use();
}

void many_short_threads() {
    for (int i = 0; i < 5000; ++i)
        run_thread([](void*) -> void* {
            use();
            return nullptr;
        });
    require(process::resident() < 64 * kMiB, "ended threads leave nothing behind");
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"in_key_destructors", in_key_destructors},
                       {"in_thread_local_destructors", in_thread_local_destructors},
                       {"memory_of_late_objects_is_reused", memory_of_late_objects_is_reused},
                       {"first_call_is_free", first_call_is_free},
                       {"objects_outlive_their_thread", objects_outlive_their_thread},
                       {"cancelled_threads", cancelled_threads},
                       {"many_short_threads", many_short_threads}});
}
