// SPDX-License-Identifier: MIT
// What a program loads with RTLD_DEEPBIND: bound that way, these calls go to the C library's allocator.
#include <cstdlib>
#include <cstring>

extern "C" {
__attribute__((visibility("default"))) void* library_make(size_t size) {
    return memset(malloc(size), 1, size);
}
__attribute__((visibility("default"))) void library_free(void* object) {
    free(object);
}
__attribute__((visibility("default"))) void* library_resize(void* object, size_t size) {
    return realloc(object, size);
}
__attribute__((visibility("default"))) char* library_copy(const char* text) {
    return strdup(text);
}
}
