// SPDX-License-Identifier: MIT
// What the parts of the explicit interface tell tarn_stats_get, and what stays when they are gone.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "stats_now.h"
#include "tarn/tarn.h"
#include "thread_sanitizer.h"

namespace {

std::string text_report() {
    std::string text;
    tarn_stats_print([](void* to, const char* piece,
                        size_t length) { static_cast<std::string*>(to)->append(piece, length); },
                     &text, TARN_STATS_TEXT);
    return text;
}

TEST(Report, Arenas) {
    const tarn_stats before = stats_now();
    tarn_arena* arena = tarn_arena_create(0, 0);
    EXPECT_EQ(stats_now().arenas, before.arenas + 1);
    EXPECT_EQ(stats_now().arenas_made, before.arenas_made + 1);
    EXPECT_EQ(stats_now().arena_bytes, before.arena_bytes + TARN_ARENA_FIRST_CHUNK);
    for (int i = 0; i < 1000; ++i)
        tarn_arena_allocate(arena, 64, 8);
    tarn_arena_allocate(arena, 1 << 20, 8);
    tarn_arena_stats own;
    ASSERT_EQ(tarn_arena_stats_get(arena, &own, sizeof own), 0);
    EXPECT_GE(stats_now().arena_bytes, before.arena_bytes + own.capacity);
    tarn_arena_reset(arena);
    tarn_arena_trim(arena);
    EXPECT_EQ(stats_now().arena_bytes, before.arena_bytes + TARN_ARENA_FIRST_CHUNK);
    tarn_arena_destroy(arena);
    EXPECT_EQ(stats_now().arenas, before.arenas);
    EXPECT_EQ(stats_now().arenas_made, before.arenas_made + 1) << "what was made stays";
    EXPECT_EQ(stats_now().arena_bytes, before.arena_bytes);
    EXPECT_GE(stats_now().arena_bytes_taken, before.arena_bytes_taken + own.capacity);
}

TEST(Report, ArenasInBuffersCountWhatTheyTake) {
    const tarn_stats before = stats_now();
    char buffer[256];
    tarn_arena arena;
    tarn_arena_init_buffer(&arena, buffer, sizeof buffer);
    EXPECT_EQ(stats_now().arena_bytes, before.arena_bytes);
    tarn_arena_allocate(&arena, 1000, 8);
    EXPECT_GE(stats_now().arena_bytes, before.arena_bytes + 1000);
    tarn_arena_destroy(&arena);
    EXPECT_EQ(stats_now().arenas, before.arenas);
    EXPECT_EQ(stats_now().arena_bytes, before.arena_bytes);
}

TEST(Report, ArenasThatAnotherThreadEnds) {
    const tarn_stats before = stats_now();
    tarn_arena* arena = tarn_arena_create(0, 0);
    std::thread([&] { tarn_arena_destroy(arena); }).join();
    EXPECT_EQ(stats_now().arenas, before.arenas);
    EXPECT_EQ(stats_now().arena_bytes, before.arena_bytes);
}

void use(tarn_pool* pool, int objects, int rounds) {
    std::vector<void*> live;
    for (int round = 0; round < rounds; ++round) {
        for (int i = 0; i < objects; ++i)
            live.push_back(tarn_pool_allocate(pool));
        for (; !live.empty(); live.pop_back())
            tarn_pool_free(pool, live.back());
    }
}

TEST(Report, ObjectPools) {
    const tarn_stats before = stats_now();
    tarn_pool* pools[] = {tarn_pool_create(48, 8, 0), tarn_pool_create(24, 8, TARN_POOL_CHECKED)};
    EXPECT_EQ(stats_now().object_pools, before.object_pools + 2);
    for (tarn_pool* pool : pools)
        use(pool, 100, 10);
    void* kept = tarn_pool_allocate(pools[0]);
    const tarn_stats after = stats_now();
    EXPECT_EQ(after.object_pool_allocations, before.object_pool_allocations + 2001);
    EXPECT_EQ(after.object_pool_live_objects, before.object_pool_live_objects + 1);
    uint64_t fresh = 0, bytes = 0;
    for (tarn_pool* pool : pools) {
        tarn_pool_stats own;
        ASSERT_EQ(tarn_pool_stats_get(pool, &own, sizeof own), 0);
        fresh += own.fresh;
        bytes += own.chunk_bytes;
    }
    EXPECT_EQ(after.object_pool_fresh, before.object_pool_fresh + fresh);
    EXPECT_EQ(after.object_pool_bytes, before.object_pool_bytes + bytes);
    EXPECT_GT(after.object_pool_hit_rate, 0.5);
    tarn_pool_free(pools[0], kept);
    for (tarn_pool* pool : pools)
        tarn_pool_destroy(pool);
    const tarn_stats gone = stats_now();
    EXPECT_EQ(gone.object_pools, before.object_pools);
    EXPECT_EQ(gone.object_pools_made, before.object_pools_made + 2);
    EXPECT_EQ(gone.object_pool_allocations, after.object_pool_allocations) << "what was counted stays";
    EXPECT_EQ(gone.object_pool_live_objects, before.object_pool_live_objects);
    EXPECT_EQ(gone.object_pool_bytes, before.object_pool_bytes);
}

TEST(Report, ObjectsOfAPoolThatWasDestroyedAreGone) {
    const tarn_stats before = stats_now();
    tarn_pool* pool = tarn_pool_create(48, 8, 0);
    for (int i = 0; i < 1000; ++i)
        tarn_pool_allocate(pool);
    EXPECT_EQ(stats_now().object_pool_live_objects, before.object_pool_live_objects + 1000);
    tarn_pool_destroy(pool);
    EXPECT_EQ(stats_now().object_pool_live_objects, before.object_pool_live_objects);
    EXPECT_EQ(stats_now().object_pool_bytes, before.object_pool_bytes);
}

TEST(Report, PoolsComeAndGoInAnyOrder) {
    const tarn_stats before = stats_now();
    std::vector<tarn_pool*> pools;
    for (int i = 0; i < 40; ++i) {
        pools.push_back(tarn_pool_create(32, 8, 0));
        use(pools.back(), 3, 1);
        if (i % 3 == 2) {
            tarn_pool_destroy(pools[pools.size() / 2]);
            pools.erase(pools.begin() + static_cast<long>(pools.size() / 2));
        }
    }
    EXPECT_EQ(stats_now().object_pools, before.object_pools + pools.size());
    EXPECT_EQ(stats_now().object_pool_allocations, before.object_pool_allocations + 120);
    for (tarn_pool* pool : pools)
        tarn_pool_destroy(pool);
    EXPECT_EQ(stats_now().object_pools, before.object_pools);
    EXPECT_EQ(stats_now().object_pool_allocations, before.object_pool_allocations + 120);
}

tarn_interner* make_interner(uint32_t flags, size_t expected = 0) {
    tarn_interner_options options = TARN_INTERNER_OPTIONS_INIT;
    options.flags = flags;
    options.expected = expected;
    return tarn_interner_create(&options, sizeof options);
}

// The reports say of a table what it says of itself.
void expect_growth(const tarn_stats& before, tarn_interner* table) {
    tarn_interner_stats own;
    ASSERT_EQ(tarn_interner_stats_get(table, &own, sizeof own), 0);
    const tarn_stats after = stats_now();
    EXPECT_EQ(after.interners, before.interners + 1);
    EXPECT_EQ(after.interned_strings, before.interned_strings + own.strings);
    EXPECT_EQ(after.intern_requests, before.intern_requests + own.requests);
    EXPECT_EQ(after.interner_bytes, before.interner_bytes + own.allocated_bytes);
}

TEST(Report, Interners) {
    for (const size_t expected : {0, 5000}) {
        const tarn_stats before = stats_now();
        tarn_interner* table = make_interner(0, expected);
        expect_growth(before, table);
        for (int i = 0; i < 6000; ++i) {
            const std::string text = "name " + std::to_string(i % 3000);
            tarn_intern(table, text.data(), text.size());
        }
        expect_growth(before, table);
        const std::string longest(100000, 'x');
        tarn_intern(table, longest.data(), longest.size());
        expect_growth(before, table);
        const tarn_stats full = stats_now();
        EXPECT_EQ(full.interned_strings, before.interned_strings + 3001);
        tarn_interner_destroy(table);
        const tarn_stats gone = stats_now();
        EXPECT_EQ(gone.interners, before.interners);
        EXPECT_EQ(gone.interners_made, before.interners_made + 1);
        EXPECT_EQ(gone.interned_strings, before.interned_strings);
        EXPECT_EQ(gone.interner_bytes, before.interner_bytes);
        EXPECT_EQ(gone.intern_requests, full.intern_requests) << "what was counted stays";
    }
}

TEST(Report, InternersWhoseArraysAreLargerThanAskedFor) {
    const tarn_stats before = stats_now();
    tarn_interner* table = make_interner(0);
    for (int i = 0; i < 200000; ++i) {
        const std::string text = "name " + std::to_string(i);
        tarn_intern(table, text.data(), text.size());
        if (i % 50 != 0) continue;
        void* volatile range = malloc(100000 + static_cast<size_t>(i));  // a place for an array
        free(range);
    }
    expect_growth(before, table);
    tarn_interner_destroy(table);
}

TEST(Report, InternersThatCountReferences) {
    const tarn_stats before = stats_now();
    tarn_interner* table = make_interner(TARN_INTERNER_COUNTED);
    std::vector<const tarn_interned*> strings;
    for (int i = 0; i < 3000; ++i) {
        const std::string text = "name " + std::to_string(i);
        strings.push_back(tarn_intern(table, text.data(), text.size()));
    }
    expect_growth(before, table);
    for (; strings.size() > 7; strings.pop_back())
        tarn_interned_release(table, strings.back());
    expect_growth(before, table);
    EXPECT_EQ(stats_now().interned_strings, before.interned_strings + 7);
    tarn_interner_destroy(table);
    EXPECT_EQ(stats_now().interner_bytes, before.interner_bytes);
}

TEST(Report, TextNamesThePartsInUse) {
    tarn_pool* pool = tarn_pool_create(48, 8, 0);
    use(pool, 10, 10);
    const std::string text = text_report();
    EXPECT_NE(text.find("tarn: obj pools 1 in use, "), std::string::npos) << text;
    tarn_pool_destroy(pool);
}

TEST(Report, WhileOthersMakeAndDropThem) {
    const tarn_stats before = stats_now();
    std::atomic<bool> done{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&] {
            while (!done) {
                tarn_pool* pool = tarn_pool_create(64, 8, 0);
                use(pool, 500, 2);
                tarn_pool_destroy(pool);
                tarn_arena* arena = tarn_arena_create(0, 0);
                tarn_arena_allocate(arena, 10000, 8);
                tarn_arena_destroy(arena);
                tarn_interner* table = make_interner(0);
                for (int i = 0; i < 200; ++i)
                    tarn_intern(table, reinterpret_cast<const char*>(&i), sizeof i);
                tarn_interner_destroy(table);
            }
        });
    uint64_t seen = 0;
    for (int i = 0; i < 300; ++i) {
        const tarn_stats stats = stats_now();
        EXPECT_GE(stats.object_pool_allocations, seen) << "a counter";
        seen = stats.object_pool_allocations;
        EXPECT_LE(stats.object_pool_fresh, stats.object_pool_allocations);
    }
    done = true;
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_GT(stats_now().object_pool_allocations, 0u);
    EXPECT_EQ(stats_now().object_pool_live_objects, 0u);
    EXPECT_EQ(stats_now().interned_strings, 0u);
    EXPECT_EQ(stats_now().intern_requests % 200, before.intern_requests % 200);
}

TEST(Report, AChildGoesOnCounting) {
    tarn_pool* pools[] = {tarn_pool_create(48, 8, 0), tarn_pool_create(48, 8, 0), tarn_pool_create(48, 8, 0)};
    for (tarn_pool* pool : pools)
        use(pool, 10, 1);
    const tarn_stats before = stats_now();
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        use(pools[1], 10, 1);
        bool right = stats_now().object_pool_allocations == before.object_pool_allocations + 10;
        for (int i : {1, 0, 2})
            tarn_pool_destroy(pools[i]);
        right &= stats_now().object_pools == before.object_pools - 3;
        right &= stats_now().object_pool_allocations == before.object_pool_allocations + 10;
        _exit(right ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    for (tarn_pool* pool : pools)
        tarn_pool_destroy(pool);
}

TEST(Report, WritingToAReaderThatIsGoneFailsAndRaisesNoSignal) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    for (tarn_stats_format format : {TARN_STATS_TEXT, TARN_STATS_JSON, TARN_STATS_PROMETHEUS})
        EXPECT_EQ(tarn_stats_write(ends[1], format), -1);
    sigset_t pending;
    ASSERT_EQ(sigpending(&pending), 0);
    EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
    close(ends[1]);
}

TEST(Report, WritingBeyondTheLimitOnFilesFailsAndRaisesNoSignal) {
    const pid_t child = fork();
    if (child == 0) {
        char name[] = "/tmp/tarn_report_test_XXXXXX";
        const int fd = mkstemp(name);
        unlink(name);
        const rlimit limit{100, 100};
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(tarn_stats_write(fd, TARN_STATS_TEXT) == -1 ? 7 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

TEST(Report, SlowReaderOfASmallPipeGetsAll) {
    for (int flags : {0, O_NONBLOCK}) {
        int ends[2];
        ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
        fcntl(ends[1], F_SETPIPE_SZ, 4096);
        fcntl(ends[1], F_SETFL, O_WRONLY | flags);
        std::string got;
        std::thread reader([&] {
            char buffer[1000];
            usleep(100000);
            for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
                got.append(buffer, static_cast<size_t>(n));
        });
        EXPECT_EQ(tarn_stats_write(ends[1], TARN_STATS_PROMETHEUS), 0);
        close(ends[1]);
        reader.join();
        EXPECT_GT(got.size(), 4096u);
        EXPECT_EQ(got.substr(got.size() - 6), "# EOF\n");
        close(ends[0]);
    }
}

}  // namespace
