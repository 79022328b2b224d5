// SPDX-License-Identifier: MIT
// operator new and delete in every form, out of memory above all.
#include <stdint.h>
#include <sys/resource.h>

#include <new>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;

namespace {

constexpr size_t kHuge[] = {SIZE_MAX,         SIZE_MAX - 16, SIZE_MAX - 4096,
                            SIZE_MAX / 2 + 1, SIZE_MAX / 2,  SIZE_MAX / 4};
constexpr std::align_val_t k64{64};

template <class Allocate>
bool throws_bad_alloc(Allocate allocate) {
    try {
        opaque(allocate());
    } catch (const std::bad_alloc&) {
        return true;
    }
    return false;
}

void throws() {
    for (size_t size : kHuge) {
        require(throws_bad_alloc([=] { return ::operator new(opaque(size)); }), "new throws");
        require(throws_bad_alloc([=] { return ::operator new[](opaque(size)); }), "new[] throws");
    }
}

void aligned_throws() {
    for (size_t size : kHuge) {
        require(throws_bad_alloc([=] { return ::operator new(opaque(size), k64); }), "aligned new throws");
        require(throws_bad_alloc([=] { return ::operator new[](opaque(size), k64); }),
                "aligned new[] throws");
    }
}

void nothrow_returns_null() {
    for (size_t size : kHuge) {
        require(!opaque(::operator new(opaque(size), std::nothrow)), "nothrow new");
        require(!opaque(::operator new[](opaque(size), std::nothrow)), "nothrow new[]");
        require(!opaque(::operator new(opaque(size), k64, std::nothrow)), "aligned nothrow new");
        require(!opaque(::operator new[](opaque(size), k64, std::nothrow)), "aligned nothrow new[]");
    }
}

int calls;
void count_to_three() {
    if (++calls == 3) std::set_new_handler(nullptr);
}

void calls_new_handler() {
    calls = 0;
    std::set_new_handler(count_to_three);
    require(throws_bad_alloc([] { return ::operator new(opaque(SIZE_MAX / 2)); }), "throws in the end");
    require(calls == 3, "calls the handler until there is none");
    calls = 0;
    std::set_new_handler(count_to_three);
    require(throws_bad_alloc([] { return ::operator new[](opaque(SIZE_MAX / 2), k64); }),
            "throws in the end");
    require(calls == 3, "aligned new calls it too");
}

void nothrow_calls_new_handler() {
    calls = 0;
    std::set_new_handler(count_to_three);
    require(!opaque(::operator new(opaque(SIZE_MAX / 2), std::nothrow)), "NULL in the end");
    require(calls == 3, "calls the handler until there is none");
}

struct Refusal {};

void handler_exception_passes() {
    std::set_new_handler([] { throw Refusal(); });
    bool caught = false;
    try {
        opaque(::operator new(opaque(SIZE_MAX / 2)));
    } catch (const Refusal&) {
        caught = true;
    }
    require(caught, "what the handler throws arrives");
}

void nothrow_swallows_bad_alloc() {
    std::set_new_handler([] { throw std::bad_alloc(); });
    require(!opaque(::operator new(opaque(SIZE_MAX / 2), std::nothrow)),
            "bad_alloc of the handler gives NULL");
    require(!opaque(::operator new[](opaque(SIZE_MAX / 2), k64, std::nothrow)), "aligned as well");
}

rlimit unlimited;

// The handler makes room: here by lifting a limit.
void handler_makes_room() {
    getrlimit(RLIMIT_AS, &unlimited);
    rlimit tight = {process::status_bytes("VmSize:") + 64 * process::kMiB, unlimited.rlim_max};
    setrlimit(RLIMIT_AS, &tight);
    calls = 0;
    std::set_new_handler([] {
        ++calls;
        setrlimit(RLIMIT_AS, &unlimited);
    });
    char* block = static_cast<char*>(::operator new(opaque(256 * process::kMiB)));
    require(block && calls == 1, "new tries again and succeeds");
    memset(block, 1, process::kMiB);
    ::operator delete(block);
}

void aligned_forms() {
    for (size_t alignment = 16; alignment <= 1 << 21; alignment <<= 1)
        for (size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{5000}, size_t{70000}}) {
            auto value = std::align_val_t{alignment};
            void* objects[] = {::operator new(size, value), ::operator new[](size, value),
                               ::operator new(size, value, std::nothrow),
                               ::operator new[](size, value, std::nothrow)};
            for (void* object : objects)
                require(object && reinterpret_cast<uintptr_t>(object) % alignment == 0, "aligned");
            ::operator delete(objects[0], value);
            ::operator delete[](objects[1], size, value);
            ::operator delete(objects[2], value, std::nothrow);
            ::operator delete[](objects[3], value, std::nothrow);
        }
}

void sized_forms() {
    for (size_t size = 0; size <= 70000; size += 1 + size / 64) {
        void *singles[10], *arrays[10];
        for (void*& object : singles)
            memset(object = opaque(::operator new(size)), 1, size);
        for (void*& object : arrays)
            memset(object = opaque(::operator new[](size)), 1, size);
        for (void* object : singles)
            ::operator delete(opaque(object), size);
        for (void* object : arrays)
            ::operator delete[](opaque(object), size);
    }
    for (int i = 0; i < 100000; ++i)
        ::operator delete (memset(opaque(::operator new(5000)), 1, 5000), size_t{5000});
    require(process::resident() < 64 * process::kMiB, "memory is reused");
}

void zero_is_unique() {
    void* first = ::operator new(opaque(size_t{0}));
    void* second = ::operator new[](opaque(size_t{0}));
    require(first && second && first != second, "not NULL, and unlike any other");
    ::operator delete(first);
    ::operator delete[](second);
}

void delete_null() {
    void* null = opaque<void*>(nullptr);
    ::operator delete(null);
    ::operator delete[](null);
    ::operator delete (null, size_t{8});
    ::operator delete[](null, size_t{8});
    ::operator delete(null, k64);
    ::operator delete[](null, size_t{8}, k64);
    ::operator delete(null, std::nothrow);
}

// libstdc++'s own containers and exceptions run on these operators; objects go between the two worlds.
void free_and_delete_agree() {
    for (size_t size : {size_t{1}, size_t{100}, size_t{40000}, 3 * process::kMiB}) {
        free(::operator new(size));
        ::operator delete(malloc(size));
        require(malloc_usable_size(opaque(::operator new(size))) >= size, "usable size of a new object");
    }
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"throws", throws},
                       {"aligned_throws", aligned_throws},
                       {"nothrow_returns_null", nothrow_returns_null},
                       {"calls_new_handler", calls_new_handler},
                       {"nothrow_calls_new_handler", nothrow_calls_new_handler},
                       {"handler_exception_passes", handler_exception_passes},
                       {"nothrow_swallows_bad_alloc", nothrow_swallows_bad_alloc},
                       {"handler_makes_room", handler_makes_room},
                       {"aligned_forms", aligned_forms},
                       {"sized_forms", sized_forms},
                       {"zero_is_unique", zero_is_unique},
                       {"delete_null", delete_null},
                       {"free_and_delete_agree", free_and_delete_agree}});
}
