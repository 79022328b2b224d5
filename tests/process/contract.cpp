// SPDX-License-Identifier: MIT
// What callers may count on of every block: alignment, size, zeros, contents kept.
#include <stdint.h>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;

namespace {

constexpr size_t kLastSize = 70000;

bool aligned_to(void* object, size_t alignment) {
    return (reinterpret_cast<uintptr_t>(object) & (alignment - 1)) == 0;
}

void sixteen_aligned(void* (*allocate)(size_t)) {
    for (size_t size = 0; size <= kLastSize; ++size) {
        void* objects[3];
        for (void*& object : objects) {
            object = allocate(size);
            require(object != nullptr, "succeeds");
            require(aligned_to(object, 16), "aligned to 16 bytes");
            require(malloc_usable_size(object) >= size, "at least as large as asked for");
        }
        for (void* object : objects)
            free(object);
    }
}
void malloc_aligned() {
    sixteen_aligned([](size_t n) { return malloc(n); });
}
void calloc_aligned() {
    sixteen_aligned([](size_t n) { return calloc(n, 1); });
}
void realloc_aligned() {
    sixteen_aligned([](size_t n) { return realloc(nullptr, n); });
}
void memalign_small_aligned() {
    sixteen_aligned([](size_t n) { return memalign(8, n); });
}

void usable_bytes_are_the_callers() {
    for (size_t size = 0; size <= kLastSize; size += 1 + size / 64) {
        void* objects[4];
        for (void*& object : objects)
            object = malloc(size);
        for (int i = 0; i < 4; ++i)
            memset(objects[i], 'a' + i, malloc_usable_size(objects[i]));
        for (int i = 0; i < 4; ++i) {
            auto* bytes = static_cast<unsigned char*>(objects[i]);
            for (size_t at = 0; at < malloc_usable_size(bytes); ++at)
                require(bytes[at] == 'a' + i, "no two objects share a usable byte");
            free(bytes);
        }
    }
}

void families_align() {
    constexpr size_t kSizes[] = {1, 7, 16, 100, 1000, 5000, 16384, 32768, 32769, 100000, kMiB, 3 * kMiB + 5};
    for (const surface::Aligned& family : surface::kAligned)
        for (size_t alignment = 16; alignment <= 64 * kMiB; alignment <<= 1)
            for (size_t size : kSizes) {
                auto* object = static_cast<char*>(family.allocate(alignment, size));
                require(object && aligned_to(object, alignment), family.name);
                require(malloc_usable_size(object) >= size, "at least as large as asked for");
                object[0] = object[size - 1] = 1;
                free(object);
            }
}

void many_aligned_live_at_once() {
    static void* objects[600];
    for (size_t alignment : {32, 256, 4096, 16384, 65536}) {
        for (size_t i = 0; i < 600; ++i) {
            objects[i] = aligned_alloc(alignment, 1 + i * 11);
            require(aligned_to(objects[i], alignment), "aligned");
            memset(objects[i], static_cast<int>(i & 0xff), 1 + i * 11);
        }
        for (size_t i = 0; i < 600; ++i) {
            for (size_t at = 0; at < 1 + i * 11; ++at)
                require(static_cast<unsigned char*>(objects[i])[at] == (i & 0xff), "contents kept");
            free(objects[i]);
        }
    }
}

void valloc_aligns() {
    for (size_t size : {size_t{1}, size_t{100}, size_t{5000}, size_t{100000}, 3 * kMiB}) {
        void* page = valloc(size);
        void* pages = pvalloc(size);
        require(page && aligned_to(page, 4096), "valloc gives a page's start");
        require(pages && aligned_to(pages, 4096), "pvalloc gives a page's start");
        require(malloc_usable_size(pages) >= ((size + 4095) & ~size_t{4095}), "and whole pages");
        free(page);
        free(pages);
    }
}

// Fills blocks, frees them, and takes the memory back as zeros.
void calloc_clears_reused_memory() {
    for (size_t size = 1; size <= kLastSize; size += 1 + size / 128) {
        void* dirty[6];
        for (void*& object : dirty)
            memset(object = malloc(size), 0xee, size);
        for (void* object : dirty)
            free(object);
        unsigned char* clean[6];
        for (unsigned char*& object : clean) {
            object = static_cast<unsigned char*>(calloc(1, size));
            for (size_t at = 0; at < size; ++at)
                require(object[at] == 0, "all zero");
        }
        for (unsigned char* object : clean)
            free(object);
    }
}

void calloc_clears_large_memory() {
    for (size_t size : {size_t{100000}, kMiB - 100, kMiB, 3 * kMiB, 20 * kMiB}) {
        for (int round = 0; round < 4; ++round) {
            auto* bytes = static_cast<unsigned char*>(calloc(size / 4, 4));
            for (size_t at = 0; at < size / 4 * 4; ++at)
                require(bytes[at] == 0, "all zero");
            memset(bytes, 0xee, size / 4 * 4);
            free(bytes);
        }
    }
}

unsigned char pattern(size_t at) {
    return static_cast<unsigned char>(at * 31 + (at >> 8));
}

void resize_and_compare(size_t from, size_t to) {
    auto* bytes = static_cast<unsigned char*>(malloc(from));
    for (size_t at = 0; at < from; ++at)
        bytes[at] = pattern(at);
    bytes = static_cast<unsigned char*>(realloc(bytes, to));
    require(bytes && malloc_usable_size(bytes) >= to, "succeeds");
    for (size_t at = 0; at < (from < to ? from : to); ++at)
        require(bytes[at] == pattern(at), "contents kept");
    memset(bytes, 1, to);
    free(bytes);
}

void realloc_keeps_contents() {
    constexpr size_t kSizes[] = {1,     15,    16,    17,    31,    63,     65,     127,      255,     257,
                                 511,   1000,  1024,  2047,  4096,  4097,   8191,   10000,    16384,   16385,
                                 32767, 32768, 32769, 40000, 65536, 100000, 300000, kMiB + 1, 3 * kMiB};
    for (size_t from : kSizes)
        for (size_t to : kSizes)
            resize_and_compare(from, to);
}

// A string that grows byte by byte, then shrinks: every border between classes is crossed both ways.
void realloc_byte_by_byte() {
    unsigned char* bytes = nullptr;
    for (size_t size = 1; size <= 40000; ++size) {
        bytes = static_cast<unsigned char*>(realloc(bytes, size));
        bytes[size - 1] = pattern(size - 1);
        require(bytes[size / 2] == pattern(size / 2) && bytes[0] == pattern(0), "contents kept");
    }
    for (size_t at = 0; at < 40000; ++at)
        require(bytes[at] == pattern(at), "contents kept");
    for (size_t size = 40000; size > 0; size -= 1 + size / 50) {
        bytes = static_cast<unsigned char*>(realloc(bytes, size));
        for (size_t at = 0; at < size; at += 7)
            require(bytes[at] == pattern(at), "contents kept");
    }
    free(bytes);
}

void realloc_of_aligned() {
    for (size_t alignment = 32; alignment <= kMiB; alignment <<= 1)
        for (size_t to : {size_t{1}, size_t{90}, size_t{5000}, size_t{70000}, 2 * kMiB}) {
            auto* bytes = static_cast<unsigned char*>(memalign(alignment, 1000));
            for (size_t at = 0; at < 1000; ++at)
                bytes[at] = pattern(at);
            bytes = static_cast<unsigned char*>(realloc(bytes, to));
            for (size_t at = 0; at < (to < 1000 ? to : 1000); ++at)
                require(bytes[at] == pattern(at), "contents kept");
            free(bytes);
        }
}

void large_realloc_grows_in_steps() {
    unsigned char* bytes = nullptr;
    for (size_t size = kMiB; size <= 64 * kMiB; size += kMiB) {
        bytes = static_cast<unsigned char*>(realloc(bytes, size));
        memset(bytes + size - kMiB, static_cast<int>(size / kMiB), kMiB);
        for (size_t part = 1; part * kMiB <= size; ++part)
            require(bytes[part * kMiB - 1] == part && bytes[part * kMiB - kMiB] == part, "contents kept");
    }
    free(bytes);
}

void usable_size_of_null() {
    require(malloc_usable_size(opaque<void*>(nullptr)) == 0, "NULL has 0 bytes");
}

void cfree_frees() {
    surface::need(cfree != nullptr, "cfree");
    for (int i = 0; i < 100000; ++i)
        cfree(memset(malloc(5000), 1, 5000));
    cfree(nullptr);
    require(process::resident() < 64 * kMiB, "memory is reused");
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"malloc_aligned", malloc_aligned},
                       {"calloc_aligned", calloc_aligned},
                       {"realloc_aligned", realloc_aligned},
                       {"memalign_small_aligned", memalign_small_aligned},
                       {"usable_bytes_are_the_callers", usable_bytes_are_the_callers},
                       {"families_align", families_align},
                       {"many_aligned_live_at_once", many_aligned_live_at_once},
                       {"valloc_aligns", valloc_aligns},
                       {"calloc_clears_reused_memory", calloc_clears_reused_memory},
                       {"calloc_clears_large_memory", calloc_clears_large_memory},
                       {"realloc_keeps_contents", realloc_keeps_contents},
                       {"realloc_byte_by_byte", realloc_byte_by_byte},
                       {"realloc_of_aligned", realloc_of_aligned},
                       {"large_realloc_grows_in_steps", large_realloc_grows_in_steps},
                       {"usable_size_of_null", usable_size_of_null},
                       {"cfree_frees", cfree_frees}});
}
