// SPDX-License-Identifier: MIT
// Size 0, NULL, and the sized frees of C23.
#include <stdint.h>
#include <sys/mman.h>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;

namespace {

bool aligned_to(void* object, size_t alignment) {
    return (reinterpret_cast<uintptr_t>(object) & (alignment - 1)) == 0;
}

void unique_and_freeable(void* (*allocate)()) {
    static void* objects[300];
    for (int i = 0; i < 300; ++i) {
        objects[i] = opaque(allocate());
        require(objects[i] != nullptr, "not NULL");
        for (int j = 0; j < i; ++j)
            require(objects[i] != objects[j], "unlike any other");
    }
    for (void* object : objects)
        free(object);
}
void malloc_zero() {
    unique_and_freeable([] { return malloc(0); });
}
void calloc_zero() {
    unique_and_freeable([] { return calloc(0, 8); });
    unique_and_freeable([] { return calloc(8, 0); });
    unique_and_freeable([] { return calloc(0, opaque(SIZE_MAX)); });
}
void realloc_null_zero() {
    unique_and_freeable([] { return realloc(nullptr, 0); });
    unique_and_freeable([] { return reallocarray(nullptr, 0, 8); });
    unique_and_freeable([] { return reallocarray(nullptr, 8, 0); });
}

void zero_with_alignment() {
    for (const surface::Aligned& family : surface::kAligned)
        for (size_t alignment = 16; alignment <= 64 * kMiB; alignment <<= 1) {
            void* objects[5];
            for (void*& object : objects) {
                object = family.allocate(alignment, opaque(size_t{0}));
                require(object && aligned_to(object, alignment), family.name);
            }
            for (int i = 1; i < 5; ++i)
                require(objects[i] != objects[i - 1], "unlike any other");
            for (void* object : objects)
                free(object);
        }
}

void valloc_zero() {
    void* page = valloc(opaque(size_t{0}));
    void* pages = pvalloc(opaque(size_t{0}));
    require(page && pages && page != pages, "not NULL, and unlike any other");
    require(aligned_to(page, 4096) && aligned_to(pages, 4096), "aligned to a page");
    free(page);
    free(pages);
}

void realloc_to_zero() {
    for (size_t size : {size_t{1}, size_t{1000}, size_t{4000}, 4 * kMiB}) {
        size_t rounds = size < 100000 ? 200000 : 300;
        for (size_t i = 0; i < rounds; ++i) {
            void* object = memset(malloc(size), 1, size);
            require(opaque(realloc(object, opaque(size_t{0}))) == nullptr, "returns NULL");
        }
        require(process::resident() < 64 * kMiB, "and has freed the block");
    }
}

void reallocarray_to_zero() {
    for (int i = 0; i < 200000; ++i)
        require(!opaque(reallocarray(memset(malloc(4000), 1, 4000), opaque(size_t{0}), 8)), "returns NULL");
    require(process::resident() < 64 * kMiB, "and has freed the block");
}

void realloc_null() {
    for (size_t size = 1; size < 5 * kMiB; size = size * 2 + 3) {
        void* object = realloc(nullptr, size);
        require(object && malloc_usable_size(object) >= size, "as malloc");
        free(memset(object, 1, size));
    }
}

char static_data[64];

// Programs ask about pointers that no allocator has given, those of a malloc of their own.
void usable_size_of_none() {
    alignas(16) char local[64] = {};
    require(malloc_usable_size(opaque<void*>(nullptr)) == 0, "0 for NULL");
    require(malloc_usable_size(opaque(static_cast<char*>(local)) + 16) == 0, "0 for the stack");
    require(malloc_usable_size(opaque(static_cast<char*>(static_data)) + 16) == 0, "0 for static data");
    void* pages = mmap(nullptr, kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(malloc_usable_size(opaque(static_cast<char*>(pages) + 65536)) == 0, "0 for a mapping");
    require(malloc_usable_size(opaque(static_cast<char*>(pages) + 65543)) == 0, "0 for an odd address");
}
void usable_size_of_unmapped() {
    for (uintptr_t at : {uintptr_t{0x10}, uintptr_t{0x123456789000}, uintptr_t{0xdeadbeefdeadbee0}})
        require(malloc_usable_size(opaque(reinterpret_cast<void*>(at))) == 0, "0 where nothing is");
}
void usable_size_of_the_space_behind() {
    char* object = static_cast<char*>(malloc(100));
    require(malloc_usable_size(opaque(object + 256 * kMiB)) == 0, "0 for what was never handed out");
    free(object);
}

// A library before the C library's, or tarn's, has a realloc that counts: wrapping_library.cpp.
extern "C" __attribute__((weak)) size_t wrapped_reallocs();
void reallocarray_is_wrapped() {
    require(wrapped_reallocs != nullptr, "the wrapping library is there");
    const size_t before = wrapped_reallocs();
    void* object = opaque(reallocarray(nullptr, 10, 10));
    object = opaque(reallocarray(object, 100, 10));
    require(object && wrapped_reallocs() == before + 2, "each went through it");
    free(object);
}

void free_sized_takes_null() {
    surface::need(free_sized && free_aligned_sized, "free_sized, free_aligned_sized");
    free_sized(nullptr, 0);
    free_sized(nullptr, 100);
    free_aligned_sized(nullptr, 0, 0);
    free_aligned_sized(nullptr, 64, 128);
}

void free_sized_all_sizes() {
    surface::need(free_sized != nullptr, "free_sized");
    for (size_t size = 0; size <= 70000; size += 1 + size / 256) {
        void* objects[20];
        for (void*& object : objects)
            memset(object = malloc(size), 1, size);
        for (void* object : objects)
            free_sized(object, size);
    }
    for (int i = 0; i < 100000; ++i)
        free_sized(memset(malloc(4000), 1, 4000), 4000);
    require(process::resident() < 64 * kMiB, "memory is reused");
}

// The size is the one asked for last, wherever the block was left.
void free_sized_after_realloc() {
    surface::need(free_sized != nullptr, "free_sized");
    constexpr size_t kSizes[] = {1, 10, 16, 20, 100, 120, 1000, 1020, 5000, 32768, 33000, 100000, 2 * kMiB};
    for (size_t from : kSizes)
        for (size_t to : kSizes) {
            free_sized(realloc(malloc(from), to), to);
            void* array = calloc(to, 1);
            free_sized(reallocarray(array, from, 1), from);
        }
}

void free_aligned_sized_all() {
    surface::need(free_sized && free_aligned_sized, "free_sized, free_aligned_sized");
    for (size_t alignment = 16; alignment <= 4 * kMiB; alignment <<= 1)
        for (size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{5000}, size_t{40000}, 2 * kMiB}) {
            free_aligned_sized(aligned_alloc(alignment, size), alignment, size);
            free(aligned_alloc(alignment, size));
        }
    for (int i = 0; i < 100000; ++i)
        free_aligned_sized(memset(aligned_alloc(256, 4000), 1, 4000), 256, 4000);
    require(process::resident() < 64 * kMiB, "memory is reused");
}

// gperftools once took the size for the class: C programs may free memalign'ed objects by their size.
void free_sized_of_memalign() {
    surface::need(free_sized != nullptr, "free_sized");
    for (size_t alignment = 16; alignment <= 64 * 1024; alignment <<= 1)
        for (size_t size : {size_t{1}, size_t{48}, size_t{100}, size_t{5000}, size_t{40000}}) {
            static char* objects[50];
            for (char*& object : objects)
                object = static_cast<char*>(memalign(alignment, size));
            for (char* object : objects)
                free_sized(object, size);
            for (char*& object : objects)
                memset(object = static_cast<char*>(malloc(size)), 1, size);
            for (char* object : objects)
                free(object);
        }
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"malloc_zero", malloc_zero},
                       {"calloc_zero", calloc_zero},
                       {"realloc_null_zero", realloc_null_zero},
                       {"zero_with_alignment", zero_with_alignment},
                       {"valloc_zero", valloc_zero},
                       {"realloc_to_zero", realloc_to_zero},
                       {"reallocarray_to_zero", reallocarray_to_zero},
                       {"realloc_null", realloc_null},
                       {"usable_size_of_none", usable_size_of_none},
                       {"usable_size_of_unmapped", usable_size_of_unmapped},
                       {"usable_size_of_the_space_behind", usable_size_of_the_space_behind},
                       {"reallocarray_is_wrapped", reallocarray_is_wrapped},
                       {"free_sized_takes_null", free_sized_takes_null},
                       {"free_sized_all_sizes", free_sized_all_sizes},
                       {"free_sized_after_realloc", free_sized_after_realloc},
                       {"free_aligned_sized_all", free_aligned_sized_all},
                       {"free_sized_of_memalign", free_sized_of_memalign}});
}
