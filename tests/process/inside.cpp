// SPDX-License-Identifier: MIT
// Drives every allocation function through every state, for inside_library.cpp to watch.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>

#include <new>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;

extern "C" {
__attribute__((weak)) void inside_call(void (*body)());
}

namespace {

constexpr size_t kLargest = 8 * kMiB;

// From 0 on, ever further apart.
size_t after(size_t size) {
    return size + 1 + size / 7;
}

void* touched(void* object, size_t size) {
    require(object != nullptr, "there is memory");
    if (size) static_cast<char*>(opaque(object))[0] = static_cast<char*>(object)[size - 1] = 1;
    return object;
}

void resize(size_t size) {
    void* object = touched(realloc(nullptr, size + 1), size + 1);
    object = touched(realloc(object, size * 2 + 1), size * 2 + 1);
    object = touched(reallocarray(object, 3, size + 1), size * 3);
    object = touched(realloc(object, size / 2 + 1), size / 2 + 1);
    require(malloc_usable_size(object) > size / 2, "usable size");
    free(object);
}

void use_operators(size_t size) {
    const auto aligned = std::align_val_t{64};
    ::operator delete(touched(::operator new(size), size));
    ::operator delete[](touched(::operator new[](size), size), size);
    ::operator delete(touched(::operator new(size, std::nothrow), size), size);
    ::operator delete[](touched(::operator new[](size, std::nothrow), size));
    ::operator delete(touched(::operator new(size, aligned), size), aligned);
    ::operator delete[](touched(::operator new[](size, aligned), size), aligned);
}

void use_size(size_t size) {
    free(touched(malloc(size), size));
    auto* bytes = static_cast<char*>(touched(calloc(3, size / 3 + 1), size));
    require(bytes[size / 2] == 0 || size < 3, "cleared");
    free(bytes);
    resize(size);
    for (const surface::Aligned& each : surface::kAligned)
        for (size_t alignment : {16, 64, 4096, 65536})
            free(touched(each.allocate(alignment, size), size));
    free(touched(valloc(size), size));
    free(touched(pvalloc(size), size));
    use_operators(size);
}

void use_all_sizes() {
    for (size_t size = 0; size <= kLargest; size = after(size))
        use_size(size);
    require(!malloc(SIZE_MAX / 2), "what is too large fails");
}

// Many at once: bins fill and overflow, slabs come and go, the backend serves many.
void* many[20000];
void use_many(size_t size, size_t count) {
    for (size_t i = 0; i < count; ++i)
        many[i] = touched(malloc(size), size);
    for (size_t i = 0; i < count; ++i)
        free(many[i]);
}
void use_many_sizes() {
    for (size_t size : {16, 100, 1000, 5000})
        use_many(size, 20000);
    for (size_t size : {30000, 40000, 60000, 100000})
        use_many(size, 1500);
    use_many(300000, 200);
    malloc_trim(0);
    for (size_t size : {16, 1000, 40000})
        use_many(size, 1500);
}

// Threads whose first call is `malloc`, `free`, a large block ...; what they leave, others free.
void* handed[64];
void* first_call(void* number) {
    const auto which = reinterpret_cast<uintptr_t>(number);
    if (which % 4 == 1) free(handed[which - 1]);
    handed[which] = which % 4 == 2   ? calloc(1, 100000)
                    : which % 4 == 3 ? aligned_alloc(4096, 100)
                                     : malloc(50);
    for (size_t size = 8; size < 200000; size = after(size))
        free(touched(malloc(size), size));
    return nullptr;
}
void use_threads() {
    for (int round = 0; round < 10; ++round) {
        pthread_t threads[64];
        for (uintptr_t i = 0; i < 64; ++i) {
            require(!pthread_create(&threads[i], nullptr, first_call, reinterpret_cast<void*>(i)),
                    "a thread starts");
            if (i % 4 == 0) pthread_join(threads[i], nullptr);
        }
        for (size_t i = 0; i < 64; ++i)
            if (i % 4) pthread_join(threads[i], nullptr);
        for (size_t i = 0; i < 64; ++i)
            if (i % 4 || i == 63) free(handed[i]);
        use_many(100, 2000);
    }
}

// Frees in the second thread what the first made, while it lives: posted, and collected later.
void* make_many(void*) {
    for (void*& object : many)
        object = touched(malloc(200), 200);
    return nullptr;
}
void* free_many(void*) {
    for (void* object : many)
        free(object);
    return nullptr;
}
void hand_over() {
    for (int round = 0; round < 3; ++round) {
        pthread_t thread;
        make_many(nullptr);
        require(!pthread_create(&thread, nullptr, free_many, nullptr), "a thread starts");
        pthread_join(thread, nullptr);
        require(!pthread_create(&thread, nullptr, make_many, nullptr), "a thread starts");
        pthread_join(thread, nullptr);
        free_many(nullptr);
    }
}

void use_fork() {
    make_many(nullptr);
    for (int i = 0; i < (check::is_long() ? 5 : 2); ++i) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(check::patience(20));
            free_many(nullptr);
            use_many_sizes();
            use_threads();
            _exit(0);
        }
        int status = 1;
        require(waitpid(child, &status, 0) == child && status == 0, "the child ends well");
    }
    free_many(nullptr);
}

void refused_call() {
    inside_call([] { dlsym(RTLD_DEFAULT, "malloc"); });
}

}  // namespace

int main(int count, char** arguments) {
    surface::need(inside_call != nullptr, "inside_call");
    return check::run(count, arguments,
                      {{"all_sizes", use_all_sizes},
                       {"many", use_many_sizes},
                       {"threads", use_threads},
                       {"handed_over", hand_over},
                       {"fork", use_fork},
                       {"refused_call", refused_call}});
}
