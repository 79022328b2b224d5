// SPDX-License-Identifier: MIT
// libtarn-follow.so, which `tarn run` preloads beside libtarn.so: the program that it starts is served, whatever it becomes by
// exec, and nobody else is. When the program begins, what `tarn run` put into its environment goes, so that its children are
// started as if it had been started without (variables.cpp); when this process executes something, it comes back. libc's
// functions that start children (posix_spawn, system, popen) do not come here.
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include "follow/environment.h"

#define TARN_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using tarn::follow::Environment;

struct Real {
    int (*execve)(const char*, char* const*, char* const*) = nullptr;
    int (*execvpe)(const char*, char* const*, char* const*) = nullptr;
    int (*fexecve)(int, char* const*, char* const*) = nullptr;
    int (*execveat)(int, const char*, char* const*, char* const*, int) = nullptr;
};
constinit Real real;

template <class Function>
void look_up(Function& function, const char* name) {
    if (!function) function = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

// By the constructor; at a call before it, by that.
[[gnu::constructor]] void look_up_all() {
    look_up(real.execve, "execve");
    look_up(real.execvpe, "execvpe");
    look_up(real.fexecve, "fexecve");
    look_up(real.execveat, "execveat");
}

template <class Function, class... Before>
int become(Function Real::*function, char* const* environment, Before... before) {
    if (!(real.*function)) look_up_all();
    if (!(real.*function)) return errno = ENOSYS, -1;
    const Environment made(environment);
    return (real.*function)(before..., made.get());
}

// Then(words, rest) for the words of execl and its kind, which end in a NULL; `rest` is what stands behind it. All words are
// taken here: who hands a va_list on may not go on with it.
template <class Then>
int with_words(const char* first, va_list& rest, Then then) {
    va_list again;
    va_copy(again, rest);
    size_t count = 2;  // the first one, and the NULL
    while (va_arg(again, const char*))
        ++count;
    va_end(again);
    auto** const words = static_cast<char**>(__builtin_alloca(count * sizeof(char*)));
    words[0] = const_cast<char*>(first);
    for (size_t i = 1; i < count; ++i)
        words[i] = va_arg(rest, char*);
    return then(words, rest);
}

}  // namespace

TARN_EXPORT int execve(const char* path, char* const* words, char* const* environment) noexcept {
    return become(&Real::execve, environment, path, words);
}
TARN_EXPORT int execv(const char* path, char* const* words) noexcept {
    return become(&Real::execve, environ, path, words);
}
TARN_EXPORT int execvp(const char* file, char* const* words) noexcept {
    return become(&Real::execvpe, environ, file, words);
}
TARN_EXPORT int execvpe(const char* file, char* const* words, char* const* environment) noexcept {
    return become(&Real::execvpe, environment, file, words);
}
TARN_EXPORT int fexecve(int fd, char* const* words, char* const* environment) noexcept {
    return become(&Real::fexecve, environment, fd, words);
}
TARN_EXPORT int execveat(int fd, const char* path, char* const* words, char* const* environment,
                         int flags) noexcept {
    if (!real.execveat) look_up_all();
    if (!real.execveat) return errno = ENOSYS, -1;
    const Environment made(environment);
    return real.execveat(fd, path, words, made.get(), flags);
}

TARN_EXPORT int execl(const char* path, const char* word, ...) noexcept {
    va_list rest;
    va_start(rest, word);
    const int failed = with_words(
        word, rest, [path](char** words, va_list&) { return become(&Real::execve, environ, path, words); });
    va_end(rest);
    return failed;
}
TARN_EXPORT int execlp(const char* file, const char* word, ...) noexcept {
    va_list rest;
    va_start(rest, word);
    const int failed = with_words(
        word, rest, [file](char** words, va_list&) { return become(&Real::execvpe, environ, file, words); });
    va_end(rest);
    return failed;
}
TARN_EXPORT int execle(const char* path, const char* word, ...) noexcept {
    va_list rest;
    va_start(rest, word);
    const int failed = with_words(word, rest, [path](char** words, va_list& behind) {
        return become(&Real::execve, va_arg(behind, char* const*), path, words);
    });
    va_end(rest);
    return failed;
}
