// SPDX-License-Identifier: MIT
// Pairs of an allocation and its release, one after another or in waves, for fast_path.py, which counts the
// instructions inside each count_* function. For every case: a pass that warms the bin, then two counted ones of
// different length.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
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
[[gnu::noinline]] void count_aligned(size_t size, size_t pairs) {
    for (size_t i = 0; i < pairs; ++i)
        free(aligned_alloc(64, size));
}
void* wave[1600];
[[gnu::noinline]] void count_waves(size_t size, size_t objects, size_t waves) {
    for (; waves > 0; --waves) {
        for (size_t i = 0; i < objects; ++i)
            wave[i] = malloc(size);
        for (size_t i = 0; i < objects; ++i)
            free(wave[i]);
    }
}
}

namespace {

template <class Function>
void run(const char* name, Function* count, size_t size) {
    for (int i = 0; i < 3; ++i)
        count(size, i == 0 ? 100 : i == 1 ? 1000 : 3000);
    printf("%s %zu\n", name, size);
}

void run_waves(size_t size, size_t objects) {
    for (size_t waves : std::initializer_list<size_t>{4, 10, 30})
        count_waves(size, objects, waves);
    printf("waves-of-%zu %zu\n", objects, size);
}

}  // namespace

int main() {
    for (size_t size = 16; size <= 8192; size *= 2)
        run("malloc+free", count_malloc, size);
    for (size_t size = 16; size <= 8192; size *= 2)
        run("new+delete", count_new, size);
    for (size_t size = 64; size <= 8192; size *= 8)
        run("aligned+free", count_aligned, size);
    run_waves(64, 1600);
    run_waves(1024, 1600);
    run_waves(4096, 400);
    return 0;
}
