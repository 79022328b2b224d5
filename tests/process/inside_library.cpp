// SPDX-License-Identifier: MIT
// Preloaded before an allocator: passes every allocation function on to it and knows, of each thread, whether
// it is inside one. Once its constructor has run, which is after the allocator's, what an allocation function
// must not call ends the process, with its name. The allocator's own calls come here, since it reaches these
// functions through the dynamic linker as well.
//
// Calls that depend on their caller's address (RTLD_NEXT) are passed on as tail calls, so that it stays.
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <new>

namespace {

thread_local int depth __attribute__((tls_model("initial-exec"))) = 0;
std::atomic<bool> watching;

struct Inside {
    Inside() { ++depth; }
    ~Inside() { --depth; }
};

// What `name` means behind this library; found at the first call, which comes before any is watched.
template <class Function>
struct Next {
    const char* name;
    std::atomic<Function*> found;

    Function* get() {
        Function* function = found.load(std::memory_order_relaxed);
        if (!function) {
            auto look_up = reinterpret_cast<decltype(&dlsym)>(dlvsym(RTLD_NEXT, "dlsym", kBaseVersion));
            function = reinterpret_cast<Function*>(look_up(RTLD_NEXT, name));
            found.store(function, std::memory_order_relaxed);
        }
        return function;
    }
#if defined(__x86_64__)
    static constexpr const char* kBaseVersion = "GLIBC_2.2.5";
#else
    static constexpr const char* kBaseVersion = "GLIBC_2.17";
#endif
};

void refuse_inside(const char* name) {
    if (depth == 0 || !watching.load(std::memory_order_relaxed)) return;
    char line[128] = "inside: an allocation function called ";
    strcat(strcat(line, name), "\n");
    if (write(2, line, strlen(line)) < 0) _exit(2);
    signal(SIGABRT, SIG_DFL);
    abort();
}

}  // namespace

#define PASS_ON(result, name, parameters, ...)                    \
    extern "C" result name parameters {                           \
        static constinit Next<result parameters> next{#name, {}}; \
        const Inside inside;                                      \
        return next.get()(__VA_ARGS__);                           \
    }

PASS_ON(void*, malloc, (size_t size), size)
PASS_ON(void, free, (void* object), object)
PASS_ON(void*, calloc, (size_t count, size_t size), count, size)
PASS_ON(void*, realloc, (void* object, size_t size), object, size)
PASS_ON(void*, reallocarray, (void* object, size_t count, size_t size), object, count, size)
PASS_ON(void*, aligned_alloc, (size_t alignment, size_t size), alignment, size)
PASS_ON(void*, memalign, (size_t alignment, size_t size), alignment, size)
PASS_ON(int, posix_memalign, (void** object, size_t alignment, size_t size), object, alignment, size)
PASS_ON(void*, valloc, (size_t size), size)
PASS_ON(void*, pvalloc, (size_t size), size)
PASS_ON(size_t, malloc_usable_size, (void* object), object)
PASS_ON(int, malloc_trim, (size_t pad), pad)
PASS_ON(void*, _Znwm, (size_t size), size)
PASS_ON(void*, _Znam, (size_t size), size)
PASS_ON(void*, _ZnwmRKSt9nothrow_t, (size_t size, const std::nothrow_t& tag), size, tag)
PASS_ON(void*, _ZnamRKSt9nothrow_t, (size_t size, const std::nothrow_t& tag), size, tag)
PASS_ON(void*, _ZnwmSt11align_val_t, (size_t size, std::align_val_t alignment), size, alignment)
PASS_ON(void*, _ZnamSt11align_val_t, (size_t size, std::align_val_t alignment), size, alignment)
PASS_ON(void, _ZdlPv, (void* object), object)
PASS_ON(void, _ZdaPv, (void* object), object)
PASS_ON(void, _ZdlPvm, (void* object, size_t size), object, size)
PASS_ON(void, _ZdaPvm, (void* object, size_t size), object, size)
PASS_ON(void, _ZdlPvSt11align_val_t, (void* object, std::align_val_t alignment), object, alignment)
PASS_ON(void, _ZdaPvSt11align_val_t, (void* object, std::align_val_t alignment), object, alignment)

#define REFUSE(result, name, parameters, ...)                     \
    extern "C" result name parameters {                           \
        static constinit Next<result parameters> next{#name, {}}; \
        refuse_inside(#name);                                     \
        return next.get()(__VA_ARGS__);                           \
    }

// The dynamic linker.
REFUSE(void*, dlopen, (const char* file, int mode), file, mode)
REFUSE(int, dlclose, (void* library), library)
REFUSE(char*, dlerror, (void))
REFUSE(int, dladdr, (const void* address, Dl_info* found), address, found)
REFUSE(int, dl_iterate_phdr, (int (*visit)(struct dl_phdr_info*, size_t, void*), void* data), visit, data)
extern "C" void* dlsym(void* library, const char* name) {
    refuse_inside("dlsym");
    static constinit std::atomic<void* (*)(void*, const char*)> next;
    if (!next)
        next =
            reinterpret_cast<decltype(next.load())>(dlvsym(RTLD_NEXT, "dlsym", Next<void()>::kBaseVersion));
    return next.load(std::memory_order_relaxed)(library, name);
}
// What is registered with the C library.
using Handler = void (*)();
REFUSE(int, __register_atfork, (Handler prepare, Handler parent, Handler child, void* library), prepare,
       parent, child, library)
REFUSE(int, pthread_key_create, (pthread_key_t * key, void (*destructor)(void*)), key, destructor)
REFUSE(int, pthread_key_delete, (pthread_key_t key), key)
REFUSE(int, __cxa_atexit, (void (*handler)(void*), void* argument, void* library), handler, argument, library)
REFUSE(int, __cxa_at_quick_exit, (Handler handler, void* library), handler, library)
REFUSE(int, __cxa_thread_atexit_impl, (void (*handler)(void*), void* argument, void* library), handler,
       argument, library)
// What locks or allocates.
REFUSE(char*, getenv, (const char* name), name)
REFUSE(char*, secure_getenv, (const char* name), name)
REFUSE(FILE*, fopen, (const char* path, const char* mode), path, mode)
REFUSE(size_t, fwrite, (const void* data, size_t size, size_t count, FILE* file), data, size, count, file)
REFUSE(int, vsnprintf, (char* text, size_t size, const char* format, va_list words), text, size, format,
       words)
REFUSE(int, vfprintf, (FILE * file, const char* format, va_list words), file, format, words)
extern "C" int fprintf(FILE* file, const char* format, ...) {
    refuse_inside("fprintf");
    va_list words;
    va_start(words, format);
    const int length = vfprintf(file, format, words);
    va_end(words);
    return length;
}
REFUSE(char*, strdup, (const char* text), text)
REFUSE(char*, strerror, (int number), number)
REFUSE(void, qsort, (void* base, size_t count, size_t size, int (*compare)(const void*, const void*)), base,
       count, size, compare)
REFUSE(long, sysconf, (int name), name)
REFUSE(int, pthread_create,
       (pthread_t * thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument), thread,
       attributes, body, argument)
REFUSE(int, pthread_mutex_lock, (pthread_mutex_t * mutex), mutex)
REFUSE(int, pthread_once, (pthread_once_t * once, Handler body), once, body)
REFUSE(int, pthread_getattr_np, (pthread_t thread, pthread_attr_t* attributes), thread, attributes)

// As an allocation function that calls `body`: shows that the watch sees anything.
extern "C" void inside_call(void (*body)()) {
    const Inside inside;
    body();
}

// Libraries that nothing depends on start in the reverse order of their loading: this one last.
[[gnu::constructor]] static void watch() {
    watching = true;
}
