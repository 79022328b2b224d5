// SPDX-License-Identifier: MIT
// operator new and delete, every form. No libstdc++ is linked: bad_alloc is thrown, and the new-handler
// found, through the C++ library that the program itself has, if any.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include <new>

#include "cache/caches.h"
#include "cache/hardened.h"
#include "entry/entry.h"
#include "entry/misuse.h"
#include "hardened/hardened.h"
#include "preload/counted.h"
#include "preload/cpp_runtime.h"
#include "preload/other_operators.h"

#define TARN_EXPORT __attribute__((visibility("default")))

namespace {

// Links the rest along: of libtarn.a a C++ program may name nothing but operator new, and the C library's
// malloc must not serve beside it.
[[gnu::used]] void* (*const malloc_comes_along)(size_t) = malloc;

using tarn::allocate;
using tarn::allocate_aligned;
using tarn::hardened::Form;

bool allocatable(size_t alignment) {
    return alignment != 0 && (alignment & (alignment - 1)) == 0;
}

// Nobody replaced any of these functions, so that what one of them made another one frees. Known by the constructor.
bool forms_known = false;

Form form_of_new() {
    return forms_known ? Form::kNew : Form::kAny;
}

void* allocate_with(size_t size, size_t alignment) {
    if (!allocatable(alignment) || size > PTRDIFF_MAX - alignment) return nullptr;
    if (tarn::hardened::serves()) return tarn::allocate_hardened(size, alignment, form_of_new());
    return alignment <= tarn::kAlignment ? allocate(size) : allocate_aligned(alignment, size);
}

// [new.delete.single]: call the new-handler until memory is had, or it gives up by an exception.
[[gnu::cold, gnu::noinline]] void* retry(size_t size, size_t alignment) {
    for (;;) {
        tarn::NewHandler handler = tarn::new_handler();
        if (!handler) tarn::throw_bad_alloc();
        handler();
        if (void* pointer = allocate_with(size, alignment)) return pointer;
    }
}

[[gnu::noinline]] void* make_slow(size_t size) {
    void* pointer = tarn::hardened::serves() ? tarn::allocate_hardened(size, tarn::kAlignment, form_of_new())
                                             : tarn::allocate_slow(size);
    return pointer ? pointer : retry(size, tarn::kAlignment);
}

[[gnu::always_inline]] inline void* make(size_t size) {
    void* pointer = tarn::allocate_fast(size);
    if (!pointer) [[unlikely]]
        return make_slow(size);
    return pointer;
}

[[gnu::noinline]] void* make_aligned_slow(size_t size, size_t alignment) {
    void* pointer = allocate_with(size, alignment);
    return pointer ? pointer : retry(size, alignment);
}

[[gnu::always_inline]] inline void* make_aligned(size_t size, std::align_val_t by) {
    const auto alignment = static_cast<size_t>(by);
    void* pointer = allocatable(alignment) ? tarn::allocate_aligned_fast(alignment, size) : nullptr;
    return pointer ? pointer : make_aligned_slow(size, alignment);
}

// By name, so that whoever replaces the throwing form alone gets its objects from these, too.
void* make_or_null(size_t size) noexcept {
    try {
        return ::operator new(size);
    } catch (...) {
        return nullptr;
    }
}

void* make_aligned_or_null(size_t size, std::align_val_t alignment) noexcept {
    try {
        return ::operator new(size, alignment);
    } catch (...) {
        return nullptr;
    }
}

[[gnu::always_inline]] inline void check(void* pointer, size_t alignment, size_t size) {
    if (tarn::hardened::checks_sizes()) tarn::check_size(pointer, alignment, size);
}

}  // namespace

using std::align_val_t;
using std::nothrow_t;

// The definitions of this file, whoever else has some.
extern "C"
    __attribute__((alias("_Znwm"), visibility("hidden"), malloc, alloc_size(1))) void* tarn_own_new(size_t);
extern "C" __attribute__((alias("_Znam"), visibility("hidden"), malloc,
                          alloc_size(1))) void* tarn_own_new_array(size_t);
extern "C" __attribute__((alias("_ZdlPv"), visibility("hidden"))) void tarn_own_delete(void*) noexcept;
extern "C" __attribute__((alias("_ZdaPv"), visibility("hidden"))) void tarn_own_delete_array(void*) noexcept;

namespace {

bool news_are_own() {
    void* (*one)(size_t) = &::operator new;
    void* (*array)(size_t) = &::operator new[];
    return one == tarn_own_new && array == tarn_own_new_array;
}

// The same, counted. Where there is no memory, the handler is found there.
void* make_counted(size_t size) {
    void* const made = tarn::allocate_counted(size);
    return made ? made : ::operator new(size);
}

}  // namespace

size_t tarn::hooks_of_new(CallHook* hooks) {
    if (!news_are_own()) return 0;
    void* (*const one)(size_t) = &::operator new;
    void* (*const array)(size_t) = &::operator new[];
    hooks[0] = {"_Znwm", reinterpret_cast<void*>(one), reinterpret_cast<void*>(make_counted)};
    hooks[1] = {"_Znam", reinterpret_cast<void*>(array), reinterpret_cast<void*>(make_counted)};
    return kNewHooks;
}

namespace {

bool replaced = true;  // either delete, by a program or a library of its own
// The forms for arrays need not go on by name: nobody has replaced any of the four, and no form is to be known from another.
bool arrays_plain = false;

[[gnu::cold, gnu::noinline]] void* new_array(size_t size) {
    if (!forms_known) return ::operator new(size);
    void* const pointer = tarn::allocate_hardened(size, tarn::kAlignment, Form::kNewArray);
    return pointer ? pointer : retry(size, tarn::kAlignment);
}
[[gnu::cold, gnu::noinline]] void* new_array_or_null(size_t size) noexcept {
    try {
        return new_array(size);
    } catch (...) {
        return nullptr;
    }
}
[[gnu::cold, gnu::noinline]] void delete_array(void* pointer) noexcept {
    if (!forms_known) return ::operator delete(pointer);
    tarn::release_hardened(pointer, Form::kNewArray, tarn::hardened::kAnySize);
}

[[gnu::constructor(102)]] void look_for_replacements() {
    void (*one)(void*) noexcept = &::operator delete;
    void (*array)(void*) noexcept = &::operator delete[];
    replaced = one != tarn_own_delete || array != tarn_own_delete_array;
    if (replaced) return;
    (tarn::hardened::serves() ? forms_known : arrays_plain) = news_are_own();
    if (!tarn::hardened::serves()) tarn::trust_sized_delete();
    if (forms_known) tarn::hardened::set_forms_look(tarn::others_bring_operators);
}

[[gnu::noinline]] void delete_slow(void* pointer, size_t size) noexcept {
    if (forms_known) return tarn::release_hardened(pointer, Form::kNew, size);
    check(pointer, tarn::kAlignment, size);
    replaced ? ::operator delete(pointer) : tarn::release_slow(pointer);
}
[[gnu::noinline]] void delete_array_slow(void* pointer, size_t size) noexcept {
    if (forms_known) return tarn::release_hardened(pointer, Form::kNewArray, size);
    check(pointer, tarn::kAlignment, size);
    replaced ? ::operator delete[](pointer) : tarn::release_slow(pointer);
}

[[gnu::noinline]] void deleted_elsewhere(void* pointer, tarn::Bin& bin) noexcept {
    if (forms_known) return tarn::release_hardened(pointer, Form::kNew, tarn::hardened::kAnySize);
    tarn::release_elsewhere(pointer, bin);
}
[[gnu::always_inline]] inline void release_deleted(void* pointer) {
    tarn::release_by<&tarn::Bin::owner>(pointer, [=](tarn::Bin& bin) { deleted_elsewhere(pointer, bin); });
}

// Where a program has replaced neither operator delete, the sized forms need not go by way of them: a thread
// is a sized_owner only then.
template <class Slow>
[[gnu::always_inline]] inline void release_sized(void* pointer, Slow slow) {
    tarn::release_by<&tarn::Bin::sized_owner>(pointer, [=](tarn::Bin&) { slow(); });
}

}  // namespace

// As in libstdc++, the other forms go through these two by name: a program may replace just one of them.
TARN_EXPORT void* operator new(size_t n) {
    return make(n);
}
TARN_EXPORT void operator delete(void* p) noexcept {
    release_deleted(p);
}

TARN_EXPORT void* operator new[](size_t n) {
    if (!arrays_plain) [[unlikely]]
        return new_array(n);
    return make(n);
}
TARN_EXPORT void* operator new(size_t n, const nothrow_t&) noexcept {
    return make_or_null(n);
}
TARN_EXPORT void* operator new[](size_t n, const nothrow_t& t) noexcept {
    return forms_known ? new_array_or_null(n) : ::operator new(n, t);
}
TARN_EXPORT void* operator new(size_t n, align_val_t a) {
    return make_aligned(n, a);
}
TARN_EXPORT void* operator new[](size_t n, align_val_t a) {
    return ::operator new(n, a);
}
TARN_EXPORT void* operator new(size_t n, align_val_t a, const nothrow_t&) noexcept {
    return make_aligned_or_null(n, a);
}
TARN_EXPORT void* operator new[](size_t n, align_val_t a, const nothrow_t& t) noexcept {
    return ::operator new(n, a, t);
}

TARN_EXPORT void operator delete[](void* p) noexcept {
    if (!arrays_plain) [[unlikely]]
        return delete_array(p);
    release_deleted(p);
}
TARN_EXPORT void operator delete(void* p, const nothrow_t&) noexcept {
    ::operator delete(p);
}
TARN_EXPORT void operator delete[](void* p, const nothrow_t&) noexcept {
    ::operator delete[](p);
}
TARN_EXPORT void operator delete(void* p, size_t n) noexcept {
    release_sized(p, [=] { delete_slow(p, n); });
}
TARN_EXPORT void operator delete[](void* p, size_t n) noexcept {
    release_sized(p, [=] { delete_array_slow(p, n); });
}

TARN_EXPORT void operator delete(void* p, align_val_t) noexcept {
    release_deleted(p);
}
TARN_EXPORT void operator delete[](void* p, align_val_t a) noexcept {
    ::operator delete(p, a);
}
TARN_EXPORT void operator delete(void* p, size_t n, align_val_t a) noexcept {
    check(p, static_cast<size_t>(a), n);
    ::operator delete(p, a);
}
TARN_EXPORT void operator delete[](void* p, size_t n, align_val_t a) noexcept {
    check(p, static_cast<size_t>(a), n);
    ::operator delete[](p, a);
}
TARN_EXPORT void operator delete(void* p, align_val_t a, const nothrow_t&) noexcept {
    ::operator delete(p, a);
}
TARN_EXPORT void operator delete[](void* p, align_val_t a, const nothrow_t&) noexcept {
    ::operator delete[](p, a);
}
