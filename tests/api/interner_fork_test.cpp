// SPDX-License-Identifier: MIT
// Fork while other threads insert and drop: the child can use every table.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "check.h"
#include "tarn/interner.hpp"

namespace {

enum : int { kFine = 0, kLostString = 3, kMiscounted = 4, kWrongText = 5, kNoMemory = 6, kNotDropped = 7 };

size_t write_text(char* text, const char* kind, unsigned i) {
    return static_cast<size_t>(snprintf(text, 64, "%s %u", kind, i));
}

int count_visit(void* context, const tarn_interned* string) {
    *static_cast<size_t*>(context) += std::strlen(tarn_interned_text(string)) > 0;
    return 0;
}

// Everything about one table, by the only thread there is.
int use(tarn_interner* table, bool counted) {
    char text[64];
    for (unsigned i = 0; i < 2000; ++i) {
        const size_t length = write_text(text, "child", i);
        const tarn_interned* string = tarn_intern(table, text, length);
        if (!string) return kNoMemory;
        if (std::strcmp(tarn_interned_text(string), text) != 0) return kWrongText;
        if (tarn_intern(table, text, length) != string) return kLostString;
        if (!counted) continue;
        tarn_interned_release(table, string);
        tarn_interned_release(table, string);
        if (tarn_interner_find(table, text, length)) return kNotDropped;
    }
    for (unsigned i = 0; i < 100; ++i) {
        const size_t length = write_text(text, "first", i);
        if (!tarn_interner_find(table, text, length)) return kLostString;
    }
    size_t visited = 0;
    tarn_interner_stats stats;
    if (tarn_intern_each(table, count_visit, &visited) != 0) return kNoMemory;
    tarn_interner_stats_get(table, &stats, sizeof stats);
    return stats.strings == visited ? kFine : kMiscounted;
}

struct Tables {
    std::vector<tarn_interner*> ordinary, counted;

    Tables() {
        for (uint32_t shards : {1u, 8u}) {
            ordinary.push_back(made(0, shards));
            counted.push_back(made(TARN_INTERNER_COUNTED, shards));
        }
        ordinary.push_back(tarn_interner_process());
    }
    ~Tables() {
        for (auto* list : {&ordinary, &counted})
            for (tarn_interner* table : *list)
                tarn_interner_destroy(table);
    }
    static tarn_interner* made(uint32_t flags, uint32_t shards) {
        tarn_interner_options options = TARN_INTERNER_OPTIONS_INIT;
        options.flags = flags;
        options.shards = shards;
        tarn_interner* table = tarn_interner_create(&options, sizeof options);
        char text[64];
        for (unsigned i = 0; i < 100; ++i)
            if (!tarn_intern(table, text, write_text(text, "first", i))) abort();
        return table;
    }
    int use_all() const {
        for (tarn_interner* table : ordinary)
            if (const int result = use(table, false)) return result;
        for (tarn_interner* table : counted)
            if (const int result = use(table, true)) return 10 + result;
        return kFine;
    }
    // Other threads' work: strings that are new, strings that come and go, tables that come and go.
    void churn(unsigned self, std::atomic<bool>& done) const {
        char text[64];
        for (unsigned i = 0; !done; ++i) {
            for (tarn_interner* table : ordinary)
                (void)tarn_intern(table, text, write_text(text, self % 2 ? "odd" : "even", i % 10000));
            for (tarn_interner* table : counted) {
                const tarn_interned* string =
                    tarn_intern(table, text, write_text(text, "short-lived", i % 50));
                tarn_interned_release(table, string);
            }
            if (i % 64 == 0) tarn_interner_destroy(made(TARN_INTERNER_COUNTED, 2));
        }
    }
};

void expect_fine(pid_t child) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_FALSE(WIFSIGNALED(status)) << "signal " << WTERMSIG(status) << " (14: a deadlock)";
    ASSERT_EQ(WEXITSTATUS(status), kFine);
}

TEST(Fork, OtherThreadsAreInTheMiddleOfIt) {
    Tables tables;
    char text[64];
    for (unsigned i = 0; i < 100; ++i)
        ASSERT_TRUE(tarn_intern(tarn_interner_process(), text, write_text(text, "first", i)));
    std::atomic<bool> done{false};
    std::vector<std::thread> threads;
    for (unsigned self = 0; self < 2; ++self)
        threads.emplace_back([&, self] { tables.churn(self, done); });
    for (int round = 0; round < 50 && !testing::Test::HasFatalFailure(); ++round) {
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            alarm(check::patience(20));
            _exit(tables.use_all());
        }
        expect_fine(child);
    }
    done = true;
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(tables.use_all(), kFine);
}

// A handler forks over a call of its own thread; the call is finished in both processes.
const Tables* handled = nullptr;
std::atomic<int> forked{0};
std::atomic<pid_t> last_child{0};
std::atomic<bool> in_child{false};

void fork_now(int) {
    if (in_child || last_child != 0) return;
    const pid_t child = fork();
    if (child == 0) {
        in_child = true;
        alarm(check::patience(20));
    } else {
        last_child = child;
        ++forked;
    }
}

TEST(Fork, ASignalHandlerForksOverACall) {
    const Tables tables;
    handled = &tables;
    struct sigaction action {
    }, before{};
    action.sa_handler = fork_now;
    action.sa_flags = SA_RESTART;
    ASSERT_EQ(sigaction(SIGALRM, &action, &before), 0);
    const itimerval often{{0, 700}, {0, 700}}, never{};
    setitimer(ITIMER_REAL, &often, nullptr);
    char text[64];
    for (unsigned i = 0; forked < 50; ++i) {
        for (tarn_interner* table : tables.counted)
            tarn_interned_release(table, tarn_intern(table, text, write_text(text, "short-lived", i % 50)));
        (void)tarn_intern(tables.ordinary[0], text, write_text(text, "new", i % 100000));
        if (in_child) {
            signal(SIGALRM, SIG_DFL);
            alarm(check::patience(20));
            _exit(tables.use_all());
        }
        if (const pid_t child = last_child) {
            expect_fine(child);
            if (testing::Test::HasFatalFailure()) break;
            last_child = 0;
        }
    }
    setitimer(ITIMER_REAL, &never, nullptr);
    sigaction(SIGALRM, &before, nullptr);
    if (const pid_t child = last_child) expect_fine(child);
}

}  // namespace
