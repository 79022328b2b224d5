// SPDX-License-Identifier: MIT
// A program that defines malloc itself: whatever the C library allocates for it comes from there, and no
// preloaded library gets in between (one that exports strdup does).
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "check.h"
#include "surface.h"

namespace {

alignas(64) char arena[1 << 22];
size_t used;
int freed;

bool ours(const void* object) {
    auto* at = static_cast<const char*>(object);
    return at >= arena && at < arena + sizeof arena;
}

}  // namespace

extern "C" {
void* malloc(size_t size) {
    size_t need = (size + 31) & ~size_t{15};
    if (used + need > sizeof arena) return nullptr;
    char* object = arena + used + 16;
    *reinterpret_cast<size_t*>(arena + used) = size;
    used += need;
    return object;
}
void free(void* object) {
    check::require(!object || ours(object), "free gets the program's own blocks only");
    freed += object != nullptr;
}
void* calloc(size_t count, size_t size) {
    return malloc(count * size);
}
void* realloc(void* object, size_t size) {
    void* moved = malloc(size);
    if (!object || !moved) return moved;
    check::require(ours(object), "realloc gets the program's own blocks only");
    size_t old = reinterpret_cast<size_t*>(object)[-2];
    return memcpy(moved, object, old < size ? old : size);
}
}

namespace {

void strdup_and_others() {
    char* copy = strdup("words");
    check::require(ours(copy), "strdup");
    free(copy);
    copy = strndup("words", 3);
    check::require(ours(copy), "strndup");
    free(copy);
    char* printed = nullptr;
    check::require(asprintf(&printed, "%d", 12) == 2 && ours(printed), "asprintf");
    free(printed);
    char* path = realpath("/", nullptr);
    check::require(ours(path), "realpath");
    free(path);
}

void lines() {
    FILE* file = fopen("/etc/passwd", "r");
    char* line = nullptr;
    size_t size = 0;
    check::require(file && getline(&line, &size, file) > 0 && ours(line), "getline");
    free(line);
    fclose(file);
}

void by_reallocarray() {
    char* object = static_cast<char*>(reallocarray(nullptr, 10, 10));
    check::require(ours(object), "of NULL");
    memset(object, 7, 100);
    object = static_cast<char*>(reallocarray(check::opaque(object), 10, 30));
    check::require(ours(object) && object[99] == 7, "the program's realloc was called");
    errno = 0;
    check::require(!reallocarray(object, check::opaque(SIZE_MAX), 2) && errno == ENOMEM, "an overflow");
    free(object);
}

void usable_size() {
    check::require(malloc_usable_size(check::opaque(malloc(100))) == 0, "0 of another malloc's block");
}

// These the program has not brought.
void aligned_families() {
    void* object = nullptr;
    check::require(posix_memalign(&object, 64, 100) == 0, "posix_memalign");
    for (void* each : {object, aligned_alloc(64, 100), memalign(64, 100), valloc(100)}) {
        check::require(each && reinterpret_cast<uintptr_t>(each) % 64 == 0 && !ours(each), "aligned");
        check::require(malloc_usable_size(memset(each, 1, 100)) >= 100, "and to be used");
    }
}

void by_free_sized() {
    surface::need(free_sized && free_aligned_sized, "free_sized, free_aligned_sized");
    const int before = freed;
    free_sized(check::opaque(malloc(100)), 100);
    free_aligned_sized(check::opaque(malloc(128)), 16, 128);
    check::require(freed == before + 2, "the program's free was called");
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"strdup_and_others", strdup_and_others},
                       {"lines", lines},
                       {"reallocarray", by_reallocarray},
                       {"usable_size", usable_size},
                       {"aligned_families", aligned_families},
                       {"free_sized", by_free_sized}});
}
