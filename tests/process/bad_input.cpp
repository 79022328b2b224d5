// SPDX-License-Identifier: MIT
// Misuse. Every one of these programs must be stopped with a message before it gets to its end; one that
// goes on has status 0.
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using process::kMiB;

namespace {

constexpr size_t kLarge = 300000;

void* filled(size_t size) {
    return memset(opaque(malloc(size)), 1, size);
}

// The size is picked by the second argument, so that every size is a process of its own.
size_t chosen = 100;

void twice() {
    void* object = filled(chosen);
    free(object);
    free(opaque(object));
}

void twice_after_another() {
    void* object = filled(chosen);
    void* other = filled(chosen);
    free(object);
    free(other);
    free(opaque(object));
}

void twice_after_many() {
    static void* others[300];
    void* object = filled(chosen);
    for (void*& other : others)
        other = filled(chosen);
    free(object);
    for (void* other : others)
        free(other);
    free(opaque(object));
}

void after_neighbours() {
    static void* all[64];
    for (void*& object : all)
        object = filled(chosen);
    for (int i = 0; i < 64; ++i)
        if (i != 32) free(all[i]);
    free(all[32]);
    free(opaque(all[32]));
}

void* free_it(void* object) {
    free(object);
    return nullptr;
}

void in_another_thread(void* object) {
    pthread_t thread;
    pthread_create(&thread, nullptr, free_it, object);
    pthread_join(thread, nullptr);
}

void by_another_thread_first() {
    void* object = filled(chosen);
    in_another_thread(object);
    free(opaque(object));
}

void by_another_thread_second() {
    void* object = filled(chosen);
    free(object);
    in_another_thread(opaque(object));
}

void by_two_other_threads() {
    void* object = filled(chosen);
    in_another_thread(object);
    in_another_thread(opaque(object));
}

void large_after_others() {
    void* object = filled(kLarge);
    void* others[6];
    for (void*& other : others)
        other = filled(2 * kLarge);
    free(object);
    for (void* other : others)
        free(other);
    free(opaque(object));
}

void after_realloc_moved() {
    void* object = filled(chosen);
    opaque(realloc(object, chosen * 20));
    free(opaque(object));
}

void realloc_of_freed() {
    void* object = filled(chosen);
    free(object);
    opaque(realloc(opaque(object), chosen * 2));
}

void deleted_twice() {
    char* object = new char[100];
    delete[] object;
    delete[] opaque(object);
}

void inside(size_t size, size_t offset) {
    free(opaque(static_cast<char*>(filled(size)) + offset));
}
void inside_by_16() {
    inside(chosen, 16);
}
void inside_by_8() {
    inside(chosen, 8);
}
void inside_by_1() {
    inside(chosen, 1);
}
void inside_large_page() {
    inside(kLarge, 4096);
}
void inside_large_by_16() {
    inside(kLarge, 16);
}
void realloc_inside() {
    opaque(realloc(opaque(static_cast<char*>(filled(chosen)) + 16), 200));
}
void usable_size_inside() {
    opaque(malloc_usable_size(opaque(static_cast<char*>(filled(chosen)) + 16)));
}

char static_data[64];
void of_stack() {
    alignas(16) char local[64] = {};
    free(opaque(static_cast<char*>(local)) + 16);
}
void of_static_data() {
    free(opaque(static_cast<char*>(static_data)) + 16);
}
void of_a_mapping() {
    void* pages = mmap(nullptr, kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    free(opaque(static_cast<char*>(pages) + 65536));
}
void* near_null() {
    return opaque(reinterpret_cast<void*>(uintptr_t{0x10}));
}
void* unmapped() {
    return opaque(reinterpret_cast<void*>(uintptr_t{0x123456789000}));
}
void* beyond() {
    return opaque(reinterpret_cast<void*>(uintptr_t{0xdeadbeefdeadbee0}));
}
void of_0x10() {
    free(near_null());
}
void of_unmapped() {
    free(unmapped());
}
void of_non_canonical() {
    free(beyond());
}
// In tarn's reserved space, far beyond anything handed out.
void far_behind_an_object() {
    free(opaque(static_cast<char*>(filled(100)) + 256 * kMiB));
}
void realloc_of_stack() {
    alignas(16) char local[64] = {};
    opaque(realloc(opaque(static_cast<char*>(local)) + 16, 200));
}
void realloc_of_unmapped() {
    opaque(realloc(unmapped(), 200));
}

void sized_too_small() {
    surface::need(free_sized != nullptr, "free_sized");
    free_sized(filled(1000), opaque(size_t{100}));
}
void sized_too_large() {
    surface::need(free_sized != nullptr, "free_sized");
    free_sized(filled(100), opaque(size_t{1000}));
}
void aligned_sized_wrong() {
    surface::need(free_aligned_sized != nullptr, "free_aligned_sized");
    free_aligned_sized(memset(aligned_alloc(64, 128), 1, 128), 64, opaque(size_t{4096}));
}
void sized_large_wrong() {
    surface::need(free_sized != nullptr, "free_sized");
    free_sized(filled(kLarge), opaque(size_t{64}));
}
void sized_of_static_data() {
    surface::need(free_sized != nullptr, "free_sized");
    free_sized(opaque(static_cast<char*>(static_data)) + 16, opaque(size_t{16}));
}
void sized_delete_wrong() {
    ::operator delete(opaque(::operator new(1000)), opaque(size_t{100}));
}

}  // namespace

int main(int count, char** arguments) {
    if (count > 2) chosen = strtoul(arguments[2], nullptr, 10);
    return check::run(count, arguments,
                      {{"twice", twice},
                       {"twice_after_another", twice_after_another},
                       {"twice_after_many", twice_after_many},
                       {"after_neighbours", after_neighbours},
                       {"by_another_thread_first", by_another_thread_first},
                       {"by_another_thread_second", by_another_thread_second},
                       {"by_two_other_threads", by_two_other_threads},
                       {"large_after_others", large_after_others},
                       {"after_realloc_moved", after_realloc_moved},
                       {"realloc_of_freed", realloc_of_freed},
                       {"deleted_twice", deleted_twice},
                       {"inside_by_16", inside_by_16},
                       {"inside_by_8", inside_by_8},
                       {"inside_by_1", inside_by_1},
                       {"inside_large_page", inside_large_page},
                       {"inside_large_by_16", inside_large_by_16},
                       {"realloc_inside", realloc_inside},
                       {"usable_size_inside", usable_size_inside},
                       {"of_stack", of_stack},
                       {"of_static_data", of_static_data},
                       {"of_a_mapping", of_a_mapping},
                       {"of_0x10", of_0x10},
                       {"of_unmapped", of_unmapped},
                       {"of_non_canonical", of_non_canonical},
                       {"far_behind_an_object", far_behind_an_object},
                       {"realloc_of_stack", realloc_of_stack},
                       {"realloc_of_unmapped", realloc_of_unmapped},
                       {"sized_of_static_data", sized_of_static_data},
                       {"sized_too_small", sized_too_small},
                       {"sized_too_large", sized_too_large},
                       {"aligned_sized_wrong", aligned_sized_wrong},
                       {"sized_large_wrong", sized_large_wrong},
                       {"sized_delete_wrong", sized_delete_wrong}});
}
