// SPDX-License-Identifier: MIT
// Where and when a walk is done: libraries come and go under it, nothing is locked or allocated in it, and it needs little
// stack.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <stdlib.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "chain.h"
#include "unwind/walk.h"

namespace {

using namespace tarn::unwind;

thread_local constinit bool walking = false;

}  // namespace

// What a walk must not call; the program's definitions come before those of libraries.
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void __libc_free(void*);

void* malloc(size_t size) {
    if (walking) abort();
    return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
    if (walking) abort();
    return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) {
    if (walking) abort();
    return __libc_realloc(memory, size);
}
void free(void* memory) {
    if (walking) abort();
    __libc_free(memory);
}
int dl_iterate_phdr(int (*callback)(struct dl_phdr_info*, size_t, void*), void* data) {
    if (walking) abort();
    using Function = int(int (*)(struct dl_phdr_info*, size_t, void*), void*);
    static Function* const next = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, "dl_iterate_phdr"));
    return next(callback, data);
}
int pthread_mutex_lock(pthread_mutex_t* mutex) {
    if (walking) abort();
    using Function = int(pthread_mutex_t*);
    static Function* const next = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
    return next(mutex);
}
}

namespace {

// As a program that calls this at start, or too late: all libraries may then be unloaded.
const bool objects_noted = getenv("NOTE_OBJECTS") && (note_objects(), true);

struct Seen {
    WalkRoom room{};
    Memory::Range own;
    uint64_t frames[kFramesMost];
    Walked walked;
};

RowTable rows;

[[gnu::noinline]] void look(calls* calls) {
    calls->returns[calls->count++] = __builtin_return_address(0);
    Seen& seen = *static_cast<Seen*>(calls->data);
    seen.room.rows = &rows;
    Registers registers;
    capture(registers);
    walking = true;
    seen.walked = walk(seen.room, seen.own, registers, 0, seen.frames, nullptr, kFramesMost);
    walking = false;
}

bool walks_right(chain_function* chain, int depth) {
    calls calls{};
    const auto seen = std::make_unique<Seen>();
    calls.look = look;
    calls.data = seen.get();
    chain(&calls, depth);
    if (seen->walked.frames < calls.count) return false;
    for (size_t i = 0; i < calls.count; ++i)
        if (seen->frames[i] != reinterpret_cast<uint64_t>(calls.returns[calls.count - 1 - i])) return false;
    return !seen->walked.cut;
}

TEST(Moments, NothingIsLockedOrAllocated) {
    for (int depth = 0; depth < 30; ++depth)
        EXPECT_TRUE(walks_right(chain_plain, depth));
}

class Library {
  public:
    explicit Library(const char* name)
        : handle_(dlopen((std::string(CHAIN_LIBRARIES "/") + name).c_str(), RTLD_NOW)) {
        if (!handle_) fprintf(stderr, "%s\n", dlerror());
    }
    ~Library() { dlclose(handle_); }
    chain_function* chain() const { return reinterpret_cast<chain_function*>(dlsym(handle_, "chain_plain")); }

  private:
    void* handle_;
};

// The second one is loaded where the first one was, and is another.
TEST(Moments, LibrariesComeAndGo) {
    size_t same_place = 0;
    for (int round = 0; round < 200; ++round) {
        chain_function* first;
        {
            const Library library("libchain_first.so");
            first = library.chain();
            ASSERT_TRUE(walks_right(first, 20)) << round;
        }
        const Library library("libchain_second.so");
        ASSERT_TRUE(walks_right(library.chain(), 20)) << round;
        const auto distance = reinterpret_cast<intptr_t>(first) - reinterpret_cast<intptr_t>(library.chain());
        same_place += std::abs(distance) < 4096;
    }
    EXPECT_GT(same_place, 0u);
}

TEST(Moments, LibrariesComeAndGoWhileOthersWalk) {
    std::atomic<bool> done{false};
    std::atomic<size_t> wrong{0}, walks{0};
    std::vector<std::thread> walkers;
    for (int i = 0; i < 3; ++i)
        walkers.emplace_back([&] {
            while (!done.load()) {
                wrong += !walks_right(chain_plain, 12);
                ++walks;
            }
        });
    for (int round = 0; round < 300; ++round) {
        const Library library(round % 2 ? "libchain_first.so" : "libchain_second.so");
        ASSERT_TRUE(walks_right(library.chain(), 12)) << round;
    }
    done = true;
    for (std::thread& walker : walkers)
        walker.join();
    EXPECT_EQ(wrong, 0u);
    EXPECT_GT(walks, 100u);
}

// A walk that went astray may come upon addresses of what is just going away.
TEST(Moments, StaleAddressesOfLibrariesDoNotFault) {
    std::atomic<uintptr_t> place{0};
    std::atomic<bool> done{false};
    std::thread walker([&] {
        const auto room = std::make_unique<WalkRoom>();
        Memory::Range own;
        std::vector<uintptr_t> stack(512);
        uint64_t frames[kFramesMost];
        for (unsigned round = 0; !done.load(); ++round) {
            for (size_t i = 0; i < stack.size(); ++i)
                stack[i] = place.load() + (i * 7919 + round) % 2048;
            Registers registers{};
            for (unsigned i = 0; i < kRegisters; ++i)
                registers.set(i, reinterpret_cast<uintptr_t>(stack.data()) + i * 8);
            registers.pc = stack[round % 512];
            (void)walk(*room, own, registers, 0, frames, nullptr, kFramesMost);
        }
    });
    for (int round = 0; round < 2000; ++round) {
        const Library library("libchain_first.so");
        place = reinterpret_cast<uintptr_t>(library.chain());
    }
    done = true;
    walker.join();
}

// What a walk writes over of the stack below it, which is painted before.
constexpr size_t kPainted = 16384;
[[gnu::noinline]] void paint() {
    volatile unsigned char bytes[kPainted];
    for (size_t i = 0; i < kPainted; ++i)
        bytes[i] = 0xa5;
    (void)bytes[0];
}
[[gnu::noinline]] size_t painted_over(const volatile unsigned char* top) {
    size_t below = kPainted - 1024;
    while (below > 0 && top[-static_cast<ptrdiff_t>(below)] == 0xa5)
        --below;
    return below;
}
[[gnu::noinline]] size_t stack_of_a_walk(Seen& seen) {
    Registers registers;
    capture(registers);
    paint();
    seen.walked = walk(seen.room, seen.own, registers, 0, seen.frames, nullptr, kFramesMost);
    return painted_over(reinterpret_cast<const volatile unsigned char*>(registers.sp()));
}

TEST(Moments, AWalkNeedsLittleStack) {
    const auto seen = std::make_unique<Seen>();
    (void)stack_of_a_walk(*seen);  // the dynamic linker binds what it calls
    EXPECT_LT(stack_of_a_walk(*seen), 1280u);
    EXPECT_GT(stack_of_a_walk(*seen), 100u);
    RecordProperty("bytes", static_cast<int>(stack_of_a_walk(*seen)));
}

#ifdef RUST_LIBRARY
void look_from_rust(unsigned char* data) {
    look(reinterpret_cast<calls*>(data));
    asm volatile("");
}

TEST(Moments, FunctionsOfRustAreFound) {
    void* const library = dlopen(RUST_LIBRARY, RTLD_NOW);
    ASSERT_NE(library, nullptr) << dlerror();
    using Depth = int(void (*)(unsigned char*), unsigned char*, int);
    auto* const depth = reinterpret_cast<Depth*>(dlsym(library, "rust_depth"));
    calls calls{};
    const auto seen = std::make_unique<Seen>();
    calls.data = seen.get();
    EXPECT_GT(depth(look_from_rust, reinterpret_cast<unsigned char*>(&calls), 10), 10);
    size_t of_rust = 0;
    for (size_t i = 0; i < seen->walked.frames; ++i) {
        Dl_info info;
        of_rust += dladdr(reinterpret_cast<void*>(seen->frames[i]), &info) && info.dli_sname &&
                   std::string(info.dli_sname) == "rust_depth";
    }
    EXPECT_EQ(of_rust, 11u);
    EXPECT_FALSE(seen->walked.cut);
}
#endif

}  // namespace
