// SPDX-License-Identifier: MIT
// A program that is not preloaded loads the library (first argument) late and uses it beside libc's malloc.
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>

#include "check.h"
#include "process.h"

using check::require;

namespace {

struct Functions {
    void* library;
    void* (*malloc)(size_t);
    void* (*calloc)(size_t, size_t);
    void* (*realloc)(void*, size_t);
    void (*free)(void*);
    void* (*reallocarray)(void*, size_t, size_t);
    void (*free_sized)(void*, size_t);  // NULL where the library has none
} late;

template <class Function>
void find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(late.library, name));
    require(function != nullptr, name);
}

void load(const char* path, int how) {
    late.library = dlopen(path, RTLD_NOW | how);
    if (!late.library) check::fail(dlerror());
    find(late.malloc, "malloc");
    find(late.calloc, "calloc");
    find(late.realloc, "realloc");
    find(late.free, "free");
    find(late.reallocarray, "reallocarray");
    late.free_sized = reinterpret_cast<void (*)(void*, size_t)>(dlsym(late.library, "free_sized"));
}

void* use(void*) {
    for (size_t size = 1; size < 300000; size = size * 3 / 2 + 1) {
        auto* bytes = static_cast<char*>(late.malloc(size));
        memset(bytes, 7, size);
        bytes = static_cast<char*>(late.realloc(bytes, size * 2));
        require(bytes && bytes[size - 1] == 7, "realloc keeps the contents");
        bytes = static_cast<char*>(late.reallocarray(bytes, size, 3));
        require(bytes && bytes[size - 1] == 7, "so does reallocarray");
        late.free_sized ? late.free_sized(bytes, size * 3) : late.free(bytes);
        late.free(late.calloc(size, 2));
        free(malloc(size));
    }
    late.free(nullptr);
    return nullptr;
}

// A thread that is older than the library, and one that is younger.
pthread_barrier_t loaded;
void* older_thread(void*) {
    pthread_barrier_wait(&loaded);
    return use(nullptr);
}

}  // namespace

int main(int, char** arguments) {
    int how = !strcmp(arguments[2], "local") ? RTLD_LOCAL : RTLD_GLOBAL;
    pthread_t older, younger;
    pthread_barrier_init(&loaded, nullptr, 2);
    pthread_create(&older, nullptr, older_thread, nullptr);
    load(arguments[1], how);
    use(nullptr);
    pthread_barrier_wait(&loaded);
    pthread_join(older, nullptr);
    pthread_create(&younger, nullptr, use, nullptr);
    pthread_join(younger, nullptr);
    // Its destructors of thread-local data must outlive the unloading.
    pthread_barrier_init(&loaded, nullptr, 2);
    auto last = [](void*) -> void* {
        use(nullptr);
        pthread_barrier_wait(&loaded);
        pthread_barrier_wait(&loaded);
        return nullptr;
    };
    pthread_create(&younger, nullptr, last, nullptr);
    pthread_barrier_wait(&loaded);
    dlclose(late.library);
    pthread_barrier_wait(&loaded);
    pthread_join(younger, nullptr);
    puts("done");
    return 0;
}
