// SPDX-License-Identifier: MIT
// The large-block path over map and over glibc's own allocator (backend `system`, chosen here): what a caller
// sees, the counters, faults, and a fork in progress.
#include "backend/blocks.h"

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "backend/ranges/registry.h"
#include "backend/visits.h"
#include "base/options.h"
#include "os/os.h"
#include "pages/page_map.h"
#include "pages/runs.h"

namespace tarn {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

struct Start {
    Start() {
        strcpy(options.backend, "system");
        start_page_map();
        load_backend();
    }
} start;

BlockSource source_of(void* block) {
    return find_block(block).record.source;
}

TEST(Blocks, SmallerThanAGranuleIsRoundedUp) {
    void* block = allocate_block(1, 1, Zero::kNo);
    ASSERT_TRUE(block);
    EXPECT_GE(block_size(block), kSmallestBlock);
    EXPECT_EQ(free_block(block), BlockFree::kFreed);
}

TEST(Blocks, TheChosenBackendServesBelowMapFrom) {
    EXPECT_STREQ(backend_name(), "system");
    void* small = allocate_block(100000, 16, Zero::kNo);
    void* large = allocate_block(2 * options.map_from, 16, Zero::kNo);
    EXPECT_EQ(source_of(small), BlockSource::kBackend);
    EXPECT_EQ(source_of(large), BlockSource::kMapping);
    EXPECT_EQ(free_block(small), BlockFree::kFreed);
    EXPECT_EQ(free_block(large), BlockFree::kFreed);
}

TEST(Blocks, FreeKnowsItsOwn) {
    char* block = static_cast<char*>(allocate_block(40000, 16, Zero::kNo));
    int local = 0;
    EXPECT_EQ(free_block(&local), BlockFree::kUnknown);
    EXPECT_EQ(free_block(block + 16), BlockFree::kUnknown);
    EXPECT_EQ(block_size(block + 16), 0u);
    EXPECT_EQ(free_block(block), BlockFree::kFreed);
    EXPECT_EQ(free_block(block), BlockFree::kAlreadyFreed);
    EXPECT_EQ(block_size(block), 0u);
}

TEST(Blocks, FreedTwiceIsRecognisedAfterUnmapping) {
    void* block = allocate_block(64 * kMiB, 16, Zero::kNo);
    ASSERT_EQ(free_block(block), BlockFree::kFreed);
    trim_blocks();
    EXPECT_EQ(free_block(block), BlockFree::kAlreadyFreed);
}

// AddressSanitizer answers __libc_memalign itself but not __libc_free: there, `system` has no aligned blocks.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kSanitized = true;
constexpr size_t kLargestAlignment = 16;
#else
constexpr bool kSanitized = false;
constexpr size_t kLargestAlignment = 16 * kMiB;
#endif

TEST(Blocks, Alignments) {
    for (size_t alignment = 1; alignment <= kLargestAlignment; alignment *= 2) {
        void* block = allocate_block(40000, alignment, Zero::kYes);
        ASSERT_TRUE(block);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % alignment, 0u);
        EXPECT_EQ(free_block(block), BlockFree::kFreed);
    }
}

TEST(Blocks, ZeroedIsZeroAlsoWhenReused) {
    for (size_t size : {size_t{40000}, size_t{500000}, 3 * kMiB, 6 * kMiB, 5 * kMiB})
        for (int round = 0; round < 3; ++round) {
            char* block = static_cast<char*>(allocate_block(size, 16, Zero::kYes));
            ASSERT_TRUE(block);
            EXPECT_TRUE(std::all_of(block, block + size, [](char c) { return c == 0; })) << size;
            memset(block, 9, block_size(block));
            EXPECT_EQ(free_block(block), BlockFree::kFreed);
        }
}

TEST(Blocks, TooLargeIsRefused) {
    for (size_t size : {size_t{PTRDIFF_MAX}, SIZE_MAX, SIZE_MAX - 4096, kLargestBlock})
        EXPECT_EQ(allocate_block(size, 16, Zero::kNo), nullptr);
    void* block = allocate_block(2 * kMiB, 16, Zero::kNo);
    EXPECT_EQ(resize_block(block, SIZE_MAX).at, nullptr);
    EXPECT_EQ(resize_block(block, kLargestBlock).at, nullptr);
    EXPECT_EQ(block_size(block), 2 * kMiB);
    EXPECT_EQ(free_block(block), BlockFree::kFreed);
}

TEST(Blocks, ErrnoIsKept) {
    errno = 77;
    void* block = allocate_block(100000, 16, Zero::kNo);
    block = resize_block(block, 200000).at;
    EXPECT_EQ(allocate_block(kLargestBlock, 16, Zero::kNo), nullptr);
    free_block(block);
    EXPECT_EQ(errno, 77);
}

TEST(Blocks, ResizeKeepsContentsAcrossAllSources) {
    size_t filled = 33000;
    unsigned char* block = static_cast<unsigned char*>(allocate_block(filled, 16, Zero::kNo));
    for (size_t i = 0; i < filled; ++i)
        block[i] = static_cast<unsigned char>(i % 251);
    for (size_t size : {size_t{60000}, size_t{200000}, 300 * size_t{1024}, 2 * kMiB, 40 * kMiB, 3 * kMiB,
                        size_t{400000}, size_t{50000}, size_t{2000000}}) {
        block = static_cast<unsigned char*>(resize_block(block, size).at);
        ASSERT_TRUE(block);
        ASSERT_GE(block_size(block), size);
        filled = std::min(filled, size);
        for (size_t i = 0; i < filled; ++i)
            ASSERT_EQ(block[i], i % 251) << size;
    }
    EXPECT_EQ(free_block(block), BlockFree::kFreed);
}

#ifdef __SANITIZE_ADDRESS__
constexpr size_t kAlignmentMost = 16;  // AddressSanitizer has __libc_memalign of its own, but no __libc_free
#else
constexpr size_t kAlignmentMost = 65536;
#endif

TEST(Blocks, ResizeKeepsAlignment) {
    for (size_t alignment = 16; alignment <= kAlignmentMost; alignment *= 4) {
        void* block = allocate_block(40000, alignment, Zero::kNo);
        for (size_t size : {size_t{60000}, size_t{100000}, size_t{200000}, 300 * size_t{1024}, 2 * kMiB,
                            9 * kMiB, 3 * kMiB, size_t{90000}, size_t{400000}}) {
            block = resize_block(block, size, alignment).at;
            ASSERT_TRUE(block);
            ASSERT_EQ(reinterpret_cast<uintptr_t>(block) % alignment, 0u) << alignment << ' ' << size;
        }
        EXPECT_EQ(free_block(block), BlockFree::kFreed);
    }
}

TEST(Blocks, HugePagesArePreferredAndStillMove) {
    char* block = static_cast<char*>(allocate_block(5 * kMiB, 16, Zero::kNo));
    prefer_huge_pages(block);
    prefer_huge_pages(block);
    prefer_huge_pages(block + 16);  // no block
    memset(block, 3, 5 * kMiB);
    const BlockStats before = block_stats();
    block = static_cast<char*>(resize_block(block, 50 * kMiB).at);
    ASSERT_TRUE(block);
    EXPECT_EQ(block_stats().grown_in_place - before.grown_in_place, 1u);
    EXPECT_EQ(block[5 * kMiB - 1], 3);
    EXPECT_EQ(free_block(block), BlockFree::kFreed);
}

TEST(Blocks, LargeOnesGrowWithoutCopying) {
    void* block = allocate_block(2 * kMiB, 16, Zero::kNo);
    const BlockStats before = block_stats();
    for (size_t size = 4 * kMiB; size <= 4096 * kMiB; size *= 2) {
        block = resize_block(block, size).at;
        ASSERT_TRUE(block);
    }
    const BlockStats after = block_stats();
    EXPECT_EQ(after.grown_in_place - before.grown_in_place, 11u);
    EXPECT_EQ(after.allocations, before.allocations);
    EXPECT_EQ(after.frees, before.frees);
    EXPECT_EQ(free_block(block), BlockFree::kFreed);
}

TEST(Blocks, ShrinkingGivesMemoryBack) {
    void* block = allocate_block(64 * kMiB, 16, Zero::kNo);
    block = resize_block(block, kMiB).at;
    EXPECT_LE(block_size(block), 2 * kMiB);
    EXPECT_EQ(free_block(block), BlockFree::kFreed);
}

TEST(Blocks, CountersAreExact) {
    const BlockStats before = block_stats();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([t] {
            std::mt19937 random(static_cast<unsigned>(t));
            for (int i = 0; i < 2000; ++i) {
                void* block = allocate_block(33000 + random() % 3000000, 16, Zero::kNo);
                ASSERT_TRUE(block);
                if (i % 3 == 0) block = resize_block(block, 33000 + random() % 3000000).at;
                ASSERT_EQ(free_block(block), BlockFree::kFreed);
            }
        });
    for (auto& thread : threads)
        thread.join();
    const BlockStats after = block_stats();
    EXPECT_EQ(after.allocations - before.allocations, 8000u);
    EXPECT_EQ(after.frees - before.frees, 8000u);
    EXPECT_EQ(after.live_blocks, before.live_blocks);
    EXPECT_EQ(after.live_bytes, before.live_bytes);
    EXPECT_GE(after.peak_bytes, after.live_bytes);
}

TEST(Blocks, ExactlyOneOfRacingFreesWins) {
    for (int round = 0; round < 2000; ++round) {
        void* block = allocate_block(40000, 16, Zero::kNo);
        std::atomic<int> freed{0}, already{0};
        auto racer = [&] {
            const BlockFree result = free_block(block);
            if (result == BlockFree::kFreed) ++freed;
            if (result == BlockFree::kAlreadyFreed) ++already;
        };
        std::thread other(racer);
        racer();
        other.join();
        ASSERT_EQ(freed.load(), 1);
        ASSERT_EQ(already.load(), 1);
    }
}

TEST(Blocks, OutOfMemoryLeavesTheOldBlockUntouched) {
    trim_blocks();
    char* block = static_cast<char*>(allocate_block(4 * kMiB, 16, Zero::kNo));
    block[4 * kMiB - 1] = 5;
    const BlockStats before = block_stats();
    os::fail_after(os::Call::kMap, 0);
    os::fail_after(os::Call::kRemap, 0);
    EXPECT_EQ(resize_block(block, 16 * kMiB).at, nullptr);
    EXPECT_EQ(allocate_block(16 * kMiB, 16, Zero::kNo), nullptr);
    os::fail_none();
    EXPECT_EQ(block_size(block), 4 * kMiB);
    EXPECT_EQ(block[4 * kMiB - 1], 5);
    EXPECT_EQ(block_stats().live_bytes, before.live_bytes);
    EXPECT_EQ(block_stats().allocations, before.allocations);
    EXPECT_EQ(free_block(block), BlockFree::kFreed);
}

TEST(Blocks, EverySystemCallFailingInTurnLosesNothing) {
    for (int call = 0; call < static_cast<int>(os::Call::kCount); ++call)
        for (long successes = 0; successes < 8; ++successes) {
            trim_blocks();
            os::fail_after(static_cast<os::Call>(call), successes);
            void* block = allocate_block(3 * kMiB, 16, Zero::kYes);
            void* aligned = allocate_block(40000, 4 * kMiB, Zero::kNo);
            if (block)
                if (void* larger = resize_block(block, 9 * kMiB).at) block = larger;
            for (void* got : {block, aligned})
                EXPECT_EQ(got ? free_block(got) : BlockFree::kFreed, BlockFree::kFreed);
            os::fail_none();
        }
    EXPECT_EQ(block_stats().live_bytes, 0u);
}

TEST(Blocks, WhileAForkIsInProgressMapServesAndFreesWait) {
    void* before = allocate_block(100000, 16, Zero::kNo);
    ASSERT_EQ(source_of(before), BlockSource::kBackend);
    visits_before_fork();
    void* during = allocate_block(100000, 16, Zero::kNo);
    EXPECT_NE(source_of(during), BlockSource::kBackend);
    EXPECT_EQ(free_block(before), BlockFree::kFreed);
    EXPECT_EQ(free_block(before), BlockFree::kAlreadyFreed);
    visits_after_fork_parent();
    void* after = allocate_block(100000, 16, Zero::kNo);
    EXPECT_EQ(source_of(after), BlockSource::kBackend);
    EXPECT_EQ(free_block(during), BlockFree::kFreed);
    EXPECT_EQ(free_block(after), BlockFree::kFreed);
}

// As in a signal handler that interrupted the backend.
TEST(Blocks, OverAVisitOfTheSameThreadMapServesAndFreesWait) {
    void* before = allocate_block(100000, 16, Zero::kNo);
    ASSERT_EQ(source_of(before), BlockSource::kBackend);
    {
        const Visit visit;
        ASSERT_TRUE(visit);
        void* during = allocate_block(100000, 16, Zero::kNo);
        EXPECT_NE(source_of(during), BlockSource::kBackend);
        EXPECT_EQ(free_block(during), BlockFree::kFreed);
        EXPECT_EQ(free_block(before), BlockFree::kFreed);
        visits_before_fork();  // does not wait for its own thread
        visits_after_fork_parent();
    }
    void* after = allocate_block(100000, 16, Zero::kNo);
    EXPECT_EQ(source_of(after), BlockSource::kBackend);
    EXPECT_EQ(free_block(after), BlockFree::kFreed);
}

// `system` locks at fork.
TEST(Blocks, SignalsWaitDuringAVisitButForFaults) {
    sigset_t blocked;
    {
        const Visit visit;
        ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &blocked), 0);
        EXPECT_TRUE(sigismember(&blocked, SIGPROF) && sigismember(&blocked, SIGALRM));
        EXPECT_FALSE(sigismember(&blocked, SIGSEGV) || sigismember(&blocked, SIGABRT));
    }
    ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &blocked), 0);
    EXPECT_FALSE(sigismember(&blocked, SIGPROF));
}

// Children of a process whose other threads never stop: they allocate, grow and free, or hang.
TEST(Blocks, ForkWhileOthersAllocate) {
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&stop, t] {
            std::mt19937 random(static_cast<unsigned>(t));
            while (!stop.load(std::memory_order_relaxed)) {
                void* block = allocate_block(33000 + random() % 4000000, 16, Zero::kNo);
                if (random() % 4 == 0) block = resize_block(block, 6 * kMiB).at;
                free_block(block);
            }
        });
    pthread_atfork(blocks_before_fork, blocks_after_fork_parent, [] {
        runs_after_fork_child(Others::kLived, Transit::kNobodys);
        blocks_after_fork_child();
    });
    const int rounds = kSanitized ? 20 : 200;  // a fork copies the sanitizer's shadow, too
    for (int i = 0; i < rounds; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(20);
            bool good = true;
            for (size_t size : {size_t{40000}, size_t{700000}, 3 * kMiB}) {
                char* block = static_cast<char*>(allocate_block(size, 16, Zero::kYes));
                good = good && block && std::all_of(block, block + size, [](char c) { return c == 0; });
                block = static_cast<char*>(resize_block(block, size * 3).at);
                good = good && block && free_block(block) == BlockFree::kFreed;
            }
            _exit(good ? 0 : 1);
        }
        int status = -1;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "child " << i << " status " << status;
    }
    stop = true;
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(block_stats().live_bytes, 0u);
}

}  // namespace
}  // namespace tarn
