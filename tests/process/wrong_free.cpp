// SPDX-License-Identifier: MIT
// Misuse of what the explicit interface hands out. Every one of these programs must be stopped with a message
// that says whose the memory is.
#include "check.h"
#include "surface.h"
#include "tarn/heap.h"
#include "tarn/pool.h"

extern "C" {
__attribute__((weak)) decltype(tarn_heap_allocate) tarn_heap_allocate;
__attribute__((weak)) decltype(tarn_heap_allocate_aligned) tarn_heap_allocate_aligned;
__attribute__((weak)) decltype(tarn_heap_create) tarn_heap_create;
__attribute__((weak)) decltype(tarn_pool_allocate_slow) tarn_pool_allocate_slow;
__attribute__((weak)) decltype(tarn_pool_create) tarn_pool_create;
__attribute__((weak)) decltype(tarn_pool_free_slow) tarn_pool_free_slow;
__attribute__((weak)) decltype(tarn_pool_reserve) tarn_pool_reserve;
__attribute__((weak)) decltype(tarn_pool_thread_pointer) tarn_pool_thread_pointer;
}

using check::opaque;

namespace {

char* in(void* object) {
    return static_cast<char*>(opaque(object));
}

tarn_heap* heap() {
    surface::need(tarn_heap_create != nullptr, "tarn_heap_create");
    return tarn_heap_create(nullptr, 0);
}

void heap_object() {
    free(in(tarn_heap_allocate(heap(), 100)));
}
void heap_object_in_realloc() {
    static_cast<void>(opaque(realloc(in(tarn_heap_allocate(heap(), 100)), 200)));
}
void heap_object_inside() {
    free(in(tarn_heap_allocate(heap(), 100)) + 16);
}
void heap_block() {
    free(in(tarn_heap_allocate(heap(), 100000)));
}
void heap_block_between_others() {
    tarn_heap* const mine = heap();
    void* const first = tarn_heap_allocate(mine, 100000);
    tarn_heap_allocate(mine, 100000);
    free(in(first));
}
void heap_block_aligned() {
    free(in(tarn_heap_allocate_aligned(heap(), 65536, 100000)));
}
// Not the heap's, though it lies where a heap's block would begin.
void large_block_beside_a_heap() {
    tarn_heap_allocate(heap(), 100000);
    void* const block = aligned_alloc(4096, 1 << 20);
    memset(opaque(block), 0x40, 1 << 20);
    free(in(block) + 32);
}

tarn_pool* pool() {
    surface::need(tarn_pool_create != nullptr, "tarn_pool_create");
    return tarn_pool_create(48, 16, 0);
}

void pool_object_twice() {
    tarn_pool* const mine = pool();
    void* const object = tarn_pool_allocate(mine);
    tarn_pool_free(mine, object);
    tarn_pool_free(mine, opaque(object));
}
void pool_object_of_another() {
    tarn_pool_free(pool(), opaque(tarn_pool_allocate(pool())));
}
// The first one lies where malloc's object begins, whose free takes it.
void pool_object() {
    tarn_pool* const mine = pool();
    void* const one = tarn_pool_allocate(mine);
    void* const other = tarn_pool_allocate(mine);
    free(in(one < other ? other : one));
}
void pool_object_in_a_block() {
    tarn_pool* const mine = pool();
    tarn_pool_reserve(mine, 10000);
    void* const one = tarn_pool_allocate(mine);
    void* const other = tarn_pool_allocate(mine);
    free(in(one < other ? other : one));
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"heap_object", heap_object},
                       {"heap_object_in_realloc", heap_object_in_realloc},
                       {"heap_object_inside", heap_object_inside},
                       {"heap_block", heap_block},
                       {"heap_block_between_others", heap_block_between_others},
                       {"heap_block_aligned", heap_block_aligned},
                       {"large_block_beside_a_heap", large_block_beside_a_heap},
                       {"pool_object_twice", pool_object_twice},
                       {"pool_object_of_another", pool_object_of_another},
                       {"pool_object", pool_object},
                       {"pool_object_in_a_block", pool_object_in_a_block}});
}
