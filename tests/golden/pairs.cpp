// SPDX-License-Identifier: MIT
// Pairs of an allocation and its release, for fast_path.py, which counts the instructions inside each
// count_* function. For every case: a pass that warms the bin, then two counted ones of different length.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>

extern "C" {
[[gnu::noinline]] void count_malloc(size_t size, size_t pairs) {
    for (size_t i = 0; i < pairs; ++i)
        free(malloc(size));
}
[[gnu::noinline]] void count_new(size_t size, size_t pairs) {
    for (size_t i = 0; i < pairs; ++i)
        ::operator delete(::operator new(size), size);
}
}

namespace {

template <class Function>
void run(const char* name, Function* count, size_t size) {
    for (int i = 0; i < 3; ++i)
        count(size, i == 0 ? 100 : i == 1 ? 1000 : 3000);
    printf("%s %zu\n", name, size);
}

}  // namespace

int main() {
    for (size_t size = 16; size <= 8192; size *= 2)
        run("malloc+free", count_malloc, size);
    for (size_t size = 16; size <= 8192; size *= 2)
        run("new+delete", count_new, size);
    return 0;
}
