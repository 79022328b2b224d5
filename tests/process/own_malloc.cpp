// SPDX-License-Identifier: MIT
// A program that defines malloc itself: whatever the C library allocates for it comes from there, and no
// preloaded library gets in between (one that exports strdup does).
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "check.h"

namespace {

alignas(64) char arena[1 << 22];
size_t used;

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

int main() {
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
    return 0;
}
