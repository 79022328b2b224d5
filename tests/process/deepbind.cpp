// SPDX-License-Identifier: MIT
// Blocks that cross between the program and a library loaded with RTLD_DEEPBIND (second argument), and
// blocks that libc's own allocator made.
#include <dlfcn.h>

#include <cstdio>

#include "check.h"
#include "process.h"
#include "snapshot.h"

using check::opaque;
using check::require;

namespace {

const char* path;
void* (*library_make)(size_t);
void (*library_free)(void*);
void* (*library_resize)(void*, size_t);

void load() {
    void* library = dlopen(path, RTLD_NOW | RTLD_DEEPBIND);
    if (!library) check::fail(dlerror());
    library_make = reinterpret_cast<void* (*)(size_t)>(dlsym(library, "library_make"));
    library_free = reinterpret_cast<void (*)(void*)>(dlsym(library, "library_free"));
    library_resize = reinterpret_cast<void* (*)(void*, size_t)>(dlsym(library, "library_resize"));
}

constexpr size_t kSizes[] = {8, 100, 5000, 40000, 300000, 3000000};

void library_frees_ours() {
    load();
    for (size_t size : kSizes)
        library_free(memset(malloc(size), 1, size));
    for (size_t size : kSizes)
        library_free(library_resize(memset(malloc(size), 1, size), size * 2));
    library_free(strdup("words"));
}

void we_free_the_librarys() {
    load();
    for (size_t size : kSizes)
        free(library_make(size));
    for (size_t size : kSizes)
        free(realloc(library_make(size), size * 2));
}

void free_libcs() {
    for (int i = 0; i < 3; ++i)
        for (size_t size : kSizes)
            free(opaque(memset(__libc_malloc(size), 1, size)));
}

void resize_libcs() {
    for (size_t size : kSizes) {
        auto* bytes = static_cast<char*>(memset(opaque(__libc_malloc(size)), 5, size));
        require(malloc_usable_size(bytes) >= size, "usable size of libc's block");
        bytes = static_cast<char*>(realloc(bytes, size * 2));
        require(bytes && bytes[0] == 5 && bytes[size - 1] == 5, "realloc keeps the contents");
        free(bytes);
    }
}

void foreign_are_counted() {
    static tarn_stats before, after;
    surface::take(before);
    free_libcs();
    surface::take(after);
    require(after.foreign_frees - before.foreign_frees == 18, "18 foreign frees are counted");
}

}  // namespace

int main(int count, char** arguments) {
    path = count > 2 ? arguments[2] : "";
    return check::run(count, arguments,
                      {{"library_frees_ours", library_frees_ours},
                       {"we_free_the_librarys", we_free_the_librarys},
                       {"free_libcs", free_libcs},
                       {"resize_libcs", resize_libcs},
                       {"foreign_are_counted", foreign_are_counted}});
}
