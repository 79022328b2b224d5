// SPDX-License-Identifier: MIT
// What every function returns, and what errno says, when it cannot do what it is asked.
#include <stdint.h>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;

namespace {

constexpr size_t kHuge[] = {SIZE_MAX,          SIZE_MAX - 1,      SIZE_MAX - 15,       SIZE_MAX - 16,
                            SIZE_MAX - 4095,   SIZE_MAX - 4096,   SIZE_MAX - 16384,    SIZE_MAX - 65536,
                            SIZE_MAX - 131072, SIZE_MAX - 999999, SIZE_MAX / 2 + 4097, SIZE_MAX / 2 + 2,
                            SIZE_MAX / 2 + 1,  SIZE_MAX / 2,      SIZE_MAX / 2 - 4096, SIZE_MAX / 4};

void fails_with_enomem(void* (*allocate)(size_t)) {
    for (size_t size : kHuge) {
        errno = 0;
        require(opaque(allocate(opaque(size))) == nullptr, "a huge size gives NULL");
        require(errno == ENOMEM, "errno is ENOMEM");
    }
}

void malloc_huge() {
    fails_with_enomem([](size_t n) { return malloc(n); });
}
void valloc_huge() {
    fails_with_enomem([](size_t n) { return valloc(n); });
}
void realloc_null_huge() {
    fails_with_enomem([](size_t n) { return realloc(nullptr, n); });
}
void memalign_huge() {
    fails_with_enomem([](size_t n) { return memalign(64, n); });
}
void memalign_page_huge() {
    fails_with_enomem([](size_t n) { return memalign(1 << 20, n); });
}
void aligned_alloc_huge() {
    fails_with_enomem([](size_t n) { return aligned_alloc(64, n); });
}
void calloc_huge() {
    fails_with_enomem([](size_t n) { return calloc(n, 1); });
    fails_with_enomem([](size_t n) { return calloc(1, n); });
}
void reallocarray_huge() {
    fails_with_enomem([](size_t n) { return reallocarray(nullptr, n, 1); });
    fails_with_enomem([](size_t n) { return reallocarray(nullptr, 1, n); });
}
void pvalloc_huge() {
    fails_with_enomem([](size_t n) { return pvalloc(n); });
}

// Sizes whose rounding up to whole pages wraps to something small.
void pvalloc_rounding() {
    for (size_t less = 0; less < 4096; less += 13) {
        errno = 0;
        require(opaque(pvalloc(opaque(SIZE_MAX - less))) == nullptr, "pvalloc refuses what wraps");
        require(errno == ENOMEM, "errno is ENOMEM");
    }
}

struct Product {
    size_t count, size;
};
constexpr Product kOverflows[] = {{SIZE_MAX, 2},
                                  {2, SIZE_MAX},
                                  {SIZE_MAX / 2 + 1, 2},
                                  {size_t{1} << 32, size_t{1} << 32},
                                  {(size_t{1} << 32) + 1, (size_t{1} << 32)},
                                  {SIZE_MAX, SIZE_MAX},
                                  {SIZE_MAX / 16 + 2, 16},
                                  {SIZE_MAX / 24 + 1, 24}};

void calloc_overflow() {
    for (Product product : kOverflows) {
        errno = 0;
        require(!opaque(calloc(opaque(product.count), opaque(product.size))), "an overflow gives NULL");
        require(errno == ENOMEM, "errno is ENOMEM");
    }
}

void reallocarray_overflow() {
    char* kept = static_cast<char*>(malloc(100));
    memset(kept, 7, 100);
    for (Product product : kOverflows) {
        errno = 0;
        require(!opaque(reallocarray(kept, opaque(product.count), opaque(product.size))),
                "an overflow gives NULL");
        require(errno == ENOMEM, "errno is ENOMEM");
        for (int i = 0; i < 100; ++i)
            require(kept[i] == 7, "the block is as it was");
    }
    free(kept);
}

void realloc_failing_keeps_block() {
    for (size_t size : {size_t{1}, size_t{24}, size_t{5000}, size_t{40000}, 3 * process::kMiB}) {
        auto* kept = static_cast<unsigned char*>(malloc(size));
        memset(kept, 0x5a, size);
        for (size_t huge : kHuge) {
            errno = 0;
            require(!opaque(realloc(kept, opaque(huge))), "a huge size gives NULL");
            require(errno == ENOMEM, "errno is ENOMEM");
        }
        for (size_t i = 0; i < size; ++i)
            require(kept[i] == 0x5a, "the block is as it was");
        kept = static_cast<unsigned char*>(realloc(kept, size + 1));
        require(kept && kept[size - 1] == 0x5a, "and can still be grown");
        free(kept);
    }
}

void posix_memalign_huge() {
    for (size_t size : kHuge)
        for (size_t alignment : {16, 64, 4096, 1 << 21}) {
            char mark = 0;
            void* object = &mark;
            errno = 1234;
            require(posix_memalign(&object, alignment, opaque(size)) == ENOMEM, "returns ENOMEM");
            require(errno == ENOMEM, "and so does errno say");
            require(object == &mark, "the pointer is left alone");
        }
}

void posix_memalign_bad_alignment() {
    for (size_t alignment : {0, 1, 2, 3, 4, 7, 12, 24, 48, 4097, 65537}) {
        char mark = 0;
        void* object = &mark;
        errno = 1234;
        require(posix_memalign(&object, opaque(alignment), 100) == EINVAL, "returns EINVAL");
        require(errno == 1234, "errno is left alone");
        require(object == &mark, "the pointer is left alone");
    }
}

void posix_memalign_keeps_errno() {
    void* object = nullptr;
    errno = 1234;
    require(posix_memalign(&object, 64, 100) == 0 && object, "succeeds");
    require(errno == 1234, "errno is left alone");
    free(object);
}

void refuses_alignment(void* (*allocate)(size_t, size_t)) {
    for (size_t alignment : {3, 17, 24, 48, 100, 4097, 65535}) {
        errno = 0;
        require(!opaque(allocate(opaque(alignment), 96)), "no power of two gives NULL");
        require(errno == EINVAL, "errno is EINVAL");
    }
}
void aligned_alloc_bad_alignment() {
    refuses_alignment([](size_t a, size_t n) { return aligned_alloc(a, n); });
}
void memalign_bad_alignment() {
    refuses_alignment([](size_t a, size_t n) { return memalign(a, n); });
}

// Alignments that no address space has room for.
void huge_alignment() {
    for (const surface::Aligned& family : surface::kAligned)
        for (size_t alignment = size_t{1} << 48; alignment; alignment <<= 1)
            for (size_t size : {size_t{0}, size_t{1}, size_t{100000}, SIZE_MAX / 2}) {
                errno = 0;
                require(!opaque(family.allocate(opaque(alignment), opaque(size))), family.name);
                require(errno == ENOMEM || errno == EINVAL, "errno says why");
            }
}

void free_keeps_errno() {
    for (size_t size : {size_t{8}, size_t{300}, size_t{9000}, size_t{50000}, size_t{300000}, process::kMiB,
                        32 * process::kMiB, 256 * process::kMiB}) {
        void* objects[8];
        for (void*& object : objects)
            object = malloc(size);
        for (void* object : objects) {
            errno = 1234;
            free(opaque(object));
            require(errno == 1234, "free leaves errno alone");
        }
    }
    errno = 1234;
    free(opaque(static_cast<void*>(nullptr)));
    require(errno == 1234, "free(NULL) leaves errno alone");
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"malloc_huge", malloc_huge},
                       {"calloc_huge", calloc_huge},
                       {"realloc_null_huge", realloc_null_huge},
                       {"reallocarray_huge", reallocarray_huge},
                       {"memalign_huge", memalign_huge},
                       {"memalign_page_huge", memalign_page_huge},
                       {"aligned_alloc_huge", aligned_alloc_huge},
                       {"valloc_huge", valloc_huge},
                       {"pvalloc_huge", pvalloc_huge},
                       {"pvalloc_rounding", pvalloc_rounding},
                       {"calloc_overflow", calloc_overflow},
                       {"reallocarray_overflow", reallocarray_overflow},
                       {"realloc_failing_keeps_block", realloc_failing_keeps_block},
                       {"posix_memalign_huge", posix_memalign_huge},
                       {"posix_memalign_bad_alignment", posix_memalign_bad_alignment},
                       {"posix_memalign_keeps_errno", posix_memalign_keeps_errno},
                       {"aligned_alloc_bad_alignment", aligned_alloc_bad_alignment},
                       {"memalign_bad_alignment", memalign_bad_alignment},
                       {"huge_alignment", huge_alignment},
                       {"free_keeps_errno", free_keeps_errno}});
}
