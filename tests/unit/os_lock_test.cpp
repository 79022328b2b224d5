// SPDX-License-Identifier: MIT
// Lock: one holder at a time, nobody sleeps for ever, and the child of a fork can start over.
#include "os/lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <vector>

using tarn::Guard;
using tarn::Lock;
using tarn::LockRank;

TEST(Lock, IsConstantInitialised) {
    static constinit Lock lock;
    EXPECT_TRUE(lock.try_lock());
    lock.unlock();
}

TEST(Lock, TryLockFailsWhileHeld) {
    Lock lock;
    lock.lock();
    EXPECT_FALSE(lock.try_lock());
    std::thread([&] { EXPECT_FALSE(lock.try_lock()); }).join();
    lock.unlock();
    EXPECT_TRUE(lock.try_lock());
    lock.unlock();
}

TEST(Lock, GuardUnlocksAtTheEndOfItsScope) {
    Lock lock;
    {
        Guard guard(lock);
        EXPECT_FALSE(lock.try_lock());
    }
    EXPECT_TRUE(lock.try_lock());
    lock.unlock();
}

TEST(Lock, ExcludesOthers) {
    constexpr int kThreads = 4, kRounds = 100000;
    Lock lock;
    long plain = 0;  // neither atomic nor volatile: any overlap loses counts, and ThreadSanitizer sees it
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < kRounds; ++i) {
                Guard guard(lock);
                ++plain;
            }
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(plain, long{kThreads} * kRounds);
}

TEST(Lock, WakesEverySleeper) {
    // Held long enough that all of them give up spinning and sleep.
    constexpr int kThreads = 6;
    Lock lock;
    int passed = 0;
    std::vector<std::thread> threads;
    lock.lock();
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&] {
            Guard guard(lock);
            ++passed;
        });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(passed, 0);
    lock.unlock();
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(passed, kThreads);
    EXPECT_TRUE(lock.try_lock());
    lock.unlock();
}

TEST(Lock, ResetFreesALockWhoseHolderIsGone) {
    Lock lock;
    lock.lock();
    lock.reset();
    EXPECT_TRUE(lock.try_lock());
    lock.unlock();
}

TEST(Lock, KnowsItsHolder) {
    Lock lock;
    EXPECT_FALSE(lock.is_mine());
    const Guard guard(lock);
    EXPECT_TRUE(lock.is_mine());
    std::thread([&] { EXPECT_FALSE(lock.is_mine()); }).join();
}

TEST(Lock, ExcludesOthersAndWakesThem) {
    constexpr int kThreads = 6, kRounds = 20000;
    Lock lock;
    long plain = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < kRounds; ++i) {
                const Guard guard(lock);
                if (++plain % 5000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
            }
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(plain, long{kThreads} * kRounds);
    EXPECT_FALSE(lock.is_mine());
}

// Whoever held it, it is free in the child, which learns whether that was somebody else.
TEST(Lock, IsRecoveredInTheChildOfAFork) {
    Lock others, mine, free;
    std::atomic<int> step{0};
    std::thread holder([&] {
        const Guard guard(others);
        step = 1;
        while (step != 2)
            std::this_thread::yield();
    });
    while (step != 1)
        std::this_thread::yield();
    const Guard guard(mine);
    const pid_t child = fork();
    if (child == 0) {
        bool right = others.recover() && !mine.recover() && !free.recover();
        for (Lock* lock : {&others, &mine, &free}) {
            right &= !lock->is_mine() && lock->try_lock();
            right &= lock->is_mine();
        }
        _exit(right ? 0 : 1);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    step = 2;
    holder.join();
}

// At _exit in a signal handler, whose thread may hold what the holder waits for.
TEST(Lock, AReportDoesNotWaitForEver) {
    Lock lock;
    lock.lock();
    std::thread([&] {
        { const tarn::ReportGuard guard(lock); }
        EXPECT_FALSE(lock.try_lock());
    }).join();
    lock.unlock();
    {
        const tarn::ReportGuard guard(lock);
        EXPECT_TRUE(lock.is_mine());
        { const tarn::ReportGuard nested(lock); }
        EXPECT_TRUE(lock.is_mine());
    }
    EXPECT_FALSE(lock.is_mine());
}

class Ranks : public testing::Test {
  protected:
    Lock runs{LockRank::kRuns}, orphans{LockRank::kOrphans}, door{LockRank::kDoor},
        other_door{LockRank::kDoor};
    Lock caches{LockRank::kCaches}, api, other_api;
};
using RanksDeathTest = Ranks;

TEST_F(Ranks, LocksAreTakenFromTheTopDown) {
    for (int i = 0; i < 2; ++i) {
        const Guard a(api), b(other_api), c(caches), d(door), e(orphans), f(runs);
    }
    const Guard first(runs);  // nothing is left of them
    EXPECT_FALSE(door.is_mine());
}

TEST_F(RanksDeathTest, TheOtherWayIsFound) {
    const char* const words = "of its rank or below";
    EXPECT_DEATH(
        {
            const Guard a(runs);
            const Guard b(orphans);
        },
        words);
    EXPECT_DEATH(
        {
            const Guard a(door);
            const Guard b(other_door);
        },
        words);
    EXPECT_DEATH(
        {
            const Guard a(runs);
            const Guard b(api);
        },
        words);
    EXPECT_DEATH(
        {
            const Guard a(caches);
            const Guard b(runs);
            const Guard c(door);
        },
        words);
}

TEST_F(Ranks, WhoDoesNotWaitForLongMayTakeAny) {
    const Guard guard(runs);
    EXPECT_TRUE(door.lock_within(1000));
    door.unlock_unwaited();
    EXPECT_TRUE(caches.try_lock());
    caches.unlock();
}

TEST_F(Ranks, EachThreadHasItsOwn) {
    const Guard guard(runs);
    std::thread([&] { const Guard other(door); }).join();
}

// A handler over what the lock protects, after which the interrupted code goes on.
TEST_F(Ranks, AChildThatStartsOverHoldsNothing) {
    runs.lock();
    const pid_t child = fork();
    if (child == 0) {
        runs.reset();
        { const Guard a(caches), b(door), c(runs); }
        runs.unlock();
        const Guard again(door);
        _exit(0);
    }
    runs.unlock();
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}
