// SPDX-License-Identifier: MIT
// Who may be inside the backend: one visit for each thread, nobody while a fork is in progress, and every free
// arrives, now or later.
#include "backend/visits.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <set>
#include <thread>

#include "backend_sample.h"
#include "base/options.h"
#include "os/os.h"

namespace tarn {
namespace {

std::multiset<void*> freed;
size_t freed_bytes = 0;
std::string handlers;  // of fork, as they were called

const tarn_backend* counting() {
    static tarn_backend table = {};
    table.version = TARN_BACKEND_VERSION;
    table.size = sizeof table;
    table.name = "counting";
    table.allocate = [](size_t, size_t) -> void* { return nullptr; };
    table.free = [](void* block, size_t size) {
        freed.insert(block);
        freed_bytes += size;
        errno = 99;
    };
    table.before_fork = [] { handlers += "before "; };
    table.after_fork_parent = [] { handlers += "parent "; };
    table.after_fork_child = [] { handlers += "child "; };
    return &table;
}

struct Block {
    alignas(16) char bytes[64];
};

class Visits : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        sample::table = counting();
        strcpy(options.backend, "system");
        choose_backend();
        ASSERT_STREQ(backend_name(), "counting");
    }
    void SetUp() override {
        freed.clear();
        freed_bytes = 0;
        handlers.clear();
    }
    void TearDown() override { EXPECT_TRUE(Visit()) << "nobody is inside, no fork is in progress"; }
    Block blocks[3];
};

TEST_F(Visits, AThreadIsInsideOnce) {
    const Visit visit;
    EXPECT_TRUE(visit);
    for (int i = 0; i < 2; ++i) {
        const Visit nested;
        EXPECT_FALSE(nested);
    }
    EXPECT_FALSE(Visit()) << "a nested one that ended lets nobody in";
}

TEST_F(Visits, ThreadsAreInsideTogether) {
    const Visit visit;
    EXPECT_TRUE(visit);
    bool other = false;
    std::thread([&] { other = static_cast<bool>(Visit()); }).join();
    EXPECT_TRUE(other);
}

TEST_F(Visits, ErrnoIsKept) {
    errno = 5;
    {
        const Visit visit;
        errno = 6;
    }
    EXPECT_EQ(errno, 5);
    give_to_backend(&blocks[0], 64);
    EXPECT_EQ(errno, 5);
}

TEST_F(Visits, SignalsAreLeftAloneWhereNothingLocksAtFork) {
    sigset_t before, inside;
    pthread_sigmask(SIG_SETMASK, nullptr, &before);
    const Visit visit;
    pthread_sigmask(SIG_SETMASK, nullptr, &inside);
    EXPECT_EQ(sigismember(&inside, SIGPROF), sigismember(&before, SIGPROF));
    EXPECT_EQ(sigismember(&inside, SIGPROF), 0);
}

TEST_F(Visits, AFreeArrivesAtOnce) {
    give_to_backend(&blocks[0], 40);
    EXPECT_EQ(freed, std::multiset<void*>{&blocks[0]});
    EXPECT_EQ(freed_bytes, 40u);
}

TEST_F(Visits, OverAVisitAFreeWaitsForTheNextOne) {
    {
        const Visit visit;
        give_to_backend(&blocks[0], 40);
        give_to_backend(&blocks[1], 50);
        EXPECT_TRUE(freed.empty());
    }
    EXPECT_TRUE(freed.empty());
    give_to_backend(&blocks[2], 60);
    EXPECT_EQ(freed, (std::multiset<void*>{&blocks[0], &blocks[1], &blocks[2]}));
    EXPECT_EQ(freed_bytes, 150u);
}

TEST_F(Visits, WhileAForkIsInProgressNobodyEntersAndFreesWaitForItsEnd) {
    visits_before_fork();
    EXPECT_FALSE(Visit());
    std::thread([&] {
        EXPECT_FALSE(Visit());
        give_to_backend(&blocks[0], 40);
    }).join();
    EXPECT_TRUE(freed.empty());
    visits_after_fork_parent();
    EXPECT_EQ(freed, std::multiset<void*>{&blocks[0]});
    EXPECT_EQ(handlers, "before parent ");
}

TEST_F(Visits, OfTwoForksTheLastToEndOpensTheDoor) {
    visits_before_fork();
    std::thread([] { visits_before_fork(); }).join();
    give_to_backend(&blocks[0], 40);
    visits_after_fork_parent();
    EXPECT_FALSE(Visit());
    EXPECT_TRUE(freed.empty());
    visits_after_fork_parent();
    EXPECT_TRUE(Visit());
    EXPECT_EQ(freed.size(), 1u);
}

TEST_F(Visits, AForkWaitsForWhoIsInsideButNotForItself) {
    std::atomic<bool> inside{false}, left{false};
    std::thread visitor([&] {
        const Visit visit;
        inside = true;
        usleep(50000);
        left = true;
    });
    while (!inside)
        std::this_thread::yield();
    const Visit own;
    EXPECT_TRUE(own);
    visits_before_fork();
    EXPECT_TRUE(left);
    visits_after_fork_parent();
    visitor.join();
}

// A backend that breaks its rules must not hang the program.
TEST_F(Visits, AForkDoesNotWaitForever) {
    std::atomic<bool> inside{false}, go{false}, left{false};
    std::thread visitor([&] {
        const Visit visit;
        inside = true;
        while (!go)
            usleep(1000);
        left = true;
    });
    while (!inside)
        std::this_thread::yield();
    visits_before_fork();
    EXPECT_FALSE(left);
    go = true;
    visitor.join();
    visits_after_fork_parent();
}

// Runs `child` in the child of a fork as libc's handlers would; whether it came out true.
template <class Child>
bool in_child(Child child) {
    visits_before_fork();
    const pid_t process = fork();
    if (process == 0) {
        visits_after_fork_child();
        _exit(child() ? 0 : 1);
    }
    visits_after_fork_parent();
    int status = -1;
    waitpid(process, &status, 0);
    return status == 0;
}

TEST_F(Visits, InTheChildTheDoorIsOpenAndWhatWaitedIsFreed) {
    {
        const Visit visit;
        give_to_backend(&blocks[0], 40);
    }
    EXPECT_TRUE(in_child([] { return Visit() && freed.size() == 1 && handlers == "before child "; }));
    EXPECT_EQ(freed.size(), 1u) << "in the parent as well: it has memory of its own";
}

TEST_F(Visits, InTheChildNobodyElseIsInside) {
    std::atomic<bool> inside{false}, go{false};
    std::thread visitor([&] {
        const Visit visit;
        inside = true;
        while (!go)
            usleep(1000);
    });
    while (!inside)
        std::this_thread::yield();
    const bool good = in_child([] {
        const uint64_t start = os::nanoseconds();
        visits_before_fork();  // would wait a second for a thread that does not live here
        visits_after_fork_parent();
        return Visit() && os::nanoseconds() - start < 500'000'000;
    });
    EXPECT_TRUE(good);
    go = true;
    visitor.join();
}

TEST_F(Visits, AVisitThatAHandlerForksOverGoesOnInTheChild) {
    const Visit visit;
    EXPECT_TRUE(visit);
    EXPECT_TRUE(in_child([] { return !Visit(); }));
}

}  // namespace
}  // namespace tarn
