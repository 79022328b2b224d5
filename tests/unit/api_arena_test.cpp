// SPDX-License-Identifier: MIT
// Arenas when there is no memory: every system call of the allocator below is refused from the n-th on. Who
// asks gets NULL and ENOMEM or memory, the arena is as it was, and afterwards all works.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/options.h"
#include "entry/entry.h"
#include "os/os.h"
#include "process/reclaim.h"
#include "process/start.h"
#include "tarn/arena.h"
#include "tarn/arena_pool.h"

namespace tarn {
namespace {

struct Start {
    Start() {
        strcpy(options.backend, "map");
        options.region = size_t{256} << 20;
        options.dirty = 0;  // what is freed goes back at once, so that the next one asks again
        tarn::start();
    }
} start_now;

tarn_arena_stats stats_of(const tarn_arena* arena) {
    tarn_arena_stats stats;
    EXPECT_EQ(tarn_arena_stats_get(arena, &stats, sizeof stats), 0);
    return stats;
}

void nothing(void*) {}

// Runs each kind of request; those that fail must say so and leave the arena as it was.
class Scenario {
  public:
    unsigned refused = 0;

    void run() {
        errno = 0;
        tarn_arena* arena = tarn_arena_create(4096, 1 << 20);
        if (!answered(arena)) return;
        for (size_t size : {40, 3000, 500, 60000, 2000000, 7, 300000})
            for (int i = 0; i < (size > 100000 ? 3 : 20); ++i) {
                ask(
                    arena, [=] { return tarn_arena_allocate(arena, size, 16); }, size);
                ask(
                    arena, [=] { return tarn_arena_allocate(arena, size, 4096); }, size);
            }
        grow(arena, 1000000);
        grow(arena, 100);
        ask(
            arena, [=] { return tarn_arena_format(arena, nullptr, "%0200000d", 1); }, 200001);
        ask(
            arena, [=] { return tarn_arena_on_rewind(arena, nothing, nullptr) == 0 ? arena : nullptr; }, 0);
        for (const auto& [at, size] : held_)
            for (size_t i = 0; i < size; i += 1000)
                EXPECT_EQ(at[i], static_cast<char>(size));
        tarn_arena_destroy(arena);
        pool();
    }

  private:
    bool answered(const void* at) {
        if (at) return true;
        EXPECT_EQ(errno, ENOMEM);
        ++refused;
        return false;
    }
    template <class Request>
    char* ask(tarn_arena* arena, Request request, size_t size) {
        const tarn_arena_stats before = stats_of(arena);
        errno = 0;
        char* at = reinterpret_cast<char*>(static_cast<void*>(request()));
        if (!answered(at)) {
            const tarn_arena_stats after = stats_of(arena);
            EXPECT_EQ(memcmp(&before, &after, sizeof before), 0);
            return nullptr;
        }
        if (size == 0) return at;
        memset(at, static_cast<char>(size), size);
        held_.push_back({at, size});
        return at;
    }
    // A text that cannot grow is still there.
    void grow(tarn_arena* arena, size_t size) {
        char* text = ask(
            arena, [=] { return tarn_arena_allocate(arena, size, 1); }, size);
        if (!text) return;
        held_.pop_back();
        for (int i = 0; i < 8; ++i) {
            errno = 0;
            char* grown = static_cast<char*>(tarn_arena_resize(arena, text, size, size + 3000000, 1));
            if (answered(grown)) {
                text = grown;
                size += 3000000;
            }
            EXPECT_EQ(text[0], text[99]);
        }
    }
    void pool() {
        errno = 0;
        tarn_arena_pool* pool = tarn_arena_pool_create(2, 1 << 20, 40000, 0);
        if (!answered(pool)) return;
        std::vector<tarn_arena*> arenas;
        for (int i = 0; i < 5; ++i) {
            errno = 0;
            tarn_arena* arena = tarn_arena_pool_acquire(pool);
            if (answered(arena)) arenas.push_back(arena);
        }
        tarn_arena_pool_stats stats;
        tarn_arena_pool_stats_get(pool, &stats, sizeof stats);
        EXPECT_EQ(stats.hits + stats.misses, arenas.size());
        for (tarn_arena* arena : arenas)
            tarn_arena_pool_release(pool, arena);
        tarn_arena_pool_destroy(pool);
    }

    struct Held {
        char* at;
        size_t size;
    };
    std::vector<Held> held_;
};

TEST(ArenaFaults, EveryCallIsRefusedFromTheNthOn) {
    unsigned refused = 0;
    for (os::Call call : {os::Call::kCommit, os::Call::kMap, os::Call::kReserve, os::Call::kRemap})
        for (long successes = 0; successes < 12; ++successes) {
            trim();
            os::fail_after(call, successes);
            Scenario scenario;
            scenario.run();
            os::fail_none();
            refused += scenario.refused;
            if (::testing::Test::HasFailure()) return;
        }
    EXPECT_GT(refused, 100u);
    Scenario after;
    after.run();
    EXPECT_EQ(after.refused, 0u);
}

}  // namespace
}  // namespace tarn
