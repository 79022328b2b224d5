// SPDX-License-Identifier: MIT
// The C library's allocation functions, one line each. All of them are in this one file, so that a static
// program gets all or none, and never libc's beside ours.
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>

#include "cache/hardened.h"
#include "entry/entry.h"
#include "entry/lookup.h"
#include "entry/misuse.h"
#include "entry/resize.h"
#include "export/introspection.h"
#include "export/plt_hook.h"
#include "export/process_end.h"
#include "hardened/hardened.h"
#include "host/host.h"
#include "os/os.h"
#include "preload/counted.h"
#include "process/reclaim.h"
#include "process/start.h"
#include "seam/recorder.h"

// libc's own; absent in static programs.
extern "C" {
[[gnu::weak]] void* __libc_realloc(void*, size_t);
[[gnu::weak]] void __libc_free(void*);
}

#define TARN_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr size_t kLargest = PTRDIFF_MAX;

bool power_of_two(size_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

void* fail(int error) {
    errno = error;
    return nullptr;
}

[[gnu::noinline]] void* aligned_slow(size_t alignment, size_t size) {
    return size > kLargest - alignment ? fail(ENOMEM) : tarn::allocate_aligned(alignment, size);
}

[[gnu::always_inline]] inline void* aligned(size_t alignment, size_t size) {
    void* const pointer = tarn::allocate_aligned_fast(alignment, size);
    return pointer ? pointer : aligned_slow(alignment, size);
}

[[gnu::noinline]] int posix_memalign_slow(void** result, size_t alignment, size_t size) {
    const int saved = errno;
    void* const pointer = aligned_slow(alignment, size);
    if (!pointer) return ENOMEM;  // and errno says so, too, as in glibc
    errno = saved;
    *result = pointer;
    return 0;
}

// glibc has these by way of realloc and free, which a program or an earlier library may bring: the block is
// then from there. Where the names lead past all to libc, this library was loaded late and is asked by its
// handle.
void* resize(void* pointer, size_t size) {
    void* (*const named)(void*, size_t) = ::realloc;
    return named == __libc_realloc ? tarn::reallocate(pointer, size) : named(pointer, size);
}

[[gnu::noinline]] void release_sized_slow(void* pointer, size_t alignment, size_t size) {
    void (*const named)(void*) = ::free;
    if (tarn::hardened::serves() && named == __libc_free)
        return tarn::release_hardened(pointer, tarn::hardened::Form::kMalloc, size);
    if (tarn::hardened::checks_sizes()) tarn::check_size(pointer, alignment, size);
    named == __libc_free ? tarn::release_slow(pointer) : named(pointer);
}

// The caller says what it asked for; believed, but in hardened mode. Then no thread is a sized_owner.
[[gnu::always_inline]] inline void release_sized(void* pointer, size_t alignment, size_t size) {
    tarn::release_by<&tarn::Bin::sized_owner>(
        pointer, [=](tarn::Bin&) { release_sized_slow(pointer, alignment, size); });
}

}  // namespace

TARN_EXPORT void* malloc(size_t size) {
    return tarn::allocate(size);
}
TARN_EXPORT void free(void* pointer) noexcept {
    tarn::release(pointer);
}
TARN_EXPORT void cfree(void* pointer) {
    tarn::release(pointer);
}

TARN_EXPORT void* calloc(size_t count, size_t size) {
    size_t bytes;
    const tarn::ThreadCache& cache = *tarn::current_cache;
    if (!__builtin_mul_overflow(count, size, &bytes) && tarn::has_bin(cache, bytes)) [[likely]]
        if (tarn::Object* object = tarn::pop(tarn::bin_for(cache, bytes))) [[likely]]
            return memset(object, 0, bytes);
    return tarn::allocate_zeroed(count, size);
}

TARN_EXPORT void* realloc(void* pointer, size_t size) {
    return pointer ? tarn::reallocate(pointer, size) : tarn::allocate(size);
}

TARN_EXPORT void* reallocarray(void* pointer, size_t count, size_t size) noexcept {
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? fail(ENOMEM) : resize(pointer, bytes);
}

TARN_EXPORT void* memalign(size_t alignment, size_t size) {
    return power_of_two(alignment) ? aligned(alignment, size) : fail(EINVAL);
}

TARN_EXPORT void* aligned_alloc(size_t alignment, size_t size) {
    return power_of_two(alignment) ? aligned(alignment, size) : fail(EINVAL);
}

TARN_EXPORT int posix_memalign(void** result, size_t alignment, size_t size) noexcept {
    if (!power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
    void* const pointer = tarn::allocate_aligned_fast(alignment, size);
    if (!pointer) [[unlikely]]
        return posix_memalign_slow(result, alignment, size);
    *result = pointer;
    return 0;
}

TARN_EXPORT void* valloc(size_t size) {
    return aligned(tarn::os::page_size(), size);
}

TARN_EXPORT void* pvalloc(size_t size) {
    const size_t page = tarn::os::page_size();
    return size > kLargest - page ? fail(ENOMEM) : aligned(page, (size + page - 1) / page * page);
}

TARN_EXPORT size_t malloc_usable_size(void* pointer) noexcept {
    return tarn::usable_size(pointer);
}
TARN_EXPORT void free_sized(void* pointer, size_t size) {
    release_sized(pointer, tarn::kAlignment, size);
}
TARN_EXPORT void free_aligned_sized(void* pointer, size_t alignment, size_t size) {
    release_sized(pointer, alignment, size);
}

TARN_EXPORT int malloc_trim(size_t) noexcept {
    return tarn::trim() > 0;
}
TARN_EXPORT void malloc_stats() noexcept {
    tarn::start();
    tarn::print_malloc_stats();
}
TARN_EXPORT int malloc_info(int options, FILE* stream) noexcept {
    tarn::start();
    return tarn::print_malloc_info(options, stream);
}
TARN_EXPORT struct mallinfo2 mallinfo2() noexcept {
    tarn::start();
    return tarn::malloc_numbers();
}
TARN_EXPORT struct mallinfo mallinfo() noexcept {
    tarn::start();
    return tarn::malloc_numbers_of_int();
}
TARN_EXPORT int mallopt(int parameter, int value) noexcept {
    return tarn::accept_malloc_option(parameter, value);
}

extern "C" [[gnu::alias("malloc"), gnu::visibility("hidden"), gnu::malloc, gnu::alloc_size(1),
             gnu::nothrow]] void* tarn_own_malloc(size_t);
extern "C" [[gnu::alias("calloc"), gnu::visibility("hidden"), gnu::malloc, gnu::alloc_size(1, 2),
             gnu::nothrow]] void* tarn_own_calloc(size_t, size_t);

// What leads to ours; where a program or an earlier library brings its own, that is not led past it.
void tarn::count_calls() {
    static constinit HookedObjects hooked;
    void* (*const named)(size_t) = ::malloc;
    void* (*const named_zeroed)(size_t, size_t) = ::calloc;
    CallHook hooks[2 + kNewHooks];
    size_t count = 0;
    if (named == tarn_own_malloc)
        hooks[count++] = {"malloc", reinterpret_cast<void*>(named),
                          reinterpret_cast<void*>(allocate_counted)};
    if (named_zeroed == tarn_own_calloc)
        hooks[count++] = {"calloc", reinterpret_cast<void*>(named_zeroed),
                          reinterpret_cast<void*>(allocate_zeroed_counted)};
    count += hooks_of_new(hooks + count);
    if (count > 0) hook_calls(hooks, count, &hooked);
}

namespace {

[[gnu::constructor(101)]] void library_starts() {
    tarn::libc_ready();
    tarn::start_recorder();
    if (tarn::options.guard > 0 && tarn::recorder()) tarn::count_calls();
}
[[gnu::destructor(101)]] void library_ends() {
    tarn::process_ends();
}

}  // namespace
