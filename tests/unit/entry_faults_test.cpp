// SPDX-License-Identifier: MIT
// Every system call made to fail in turn, for good and from the n-th on: whoever asks gets NULL and ENOMEM or
// memory, nothing is lost, and afterwards all works.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "backend/blocks.h"
#include "cache/totals.h"
#include "entry/entry.h"
#include "entry/resize.h"
#include "os/os.h"
#include "process/reclaim.h"
#include "process/start.h"

namespace tarn {
namespace {

struct Start {
    Start() {
        strcpy(options.backend, "map");
        options.region = size_t{256} << 20;
        tarn::start();
    }
} start_now;

struct Held {
    unsigned char* at;
    size_t size;
    unsigned char pattern;
};

class Scenario {
  public:
    unsigned refused = 0;

    void run() {
        for (size_t size : {1, 16, 100, 1000, 5000, 32768})
            for (int i = 0; i < 12; ++i)
                keep(allocate(size), size);
        for (size_t size : {32769, 100000, 200000, 3 << 20})
            for (int i = 0; i < 2; ++i)
                keep(allocate(size), size);
        for (size_t alignment : {64, 4096, 16384, 65536, 1 << 20})
            for (size_t size : {40, 5000, 70000})
                keep(allocate_aligned(alignment, size), size);
        for (size_t size : {24, 3000, 60000, 1 << 20})
            keep(allocate_zeroed(1, size), size);
        for (size_t size : {500, 40000, 150000, 600000})
            for (size_t i = 0; i<held_.size(); i += size> 150000 ? 16 : 5)
                resize(held_[i], size);
        for (size_t i = 0; i < held_.size(); i += 2)
            drop(held_[i]);
        trim();
        for (int i = 0; i < 4; ++i)
            keep(allocate(300000), 300000);
    }
    void free_all() {
        for (Held& held : held_)
            drop(held);
        held_.clear();
    }

  private:
    // errno was cleared before the call.
    bool answered(void* at) {
        if (at) return true;
        EXPECT_EQ(errno, ENOMEM);
        ++refused;
        return false;
    }
    void keep(void* at, size_t size) {
        if (answered(at)) {
            static unsigned char next = 0;
            held_.push_back({static_cast<unsigned char*>(at), size, ++next});
            memset(at, next, size);
        }
        errno = 0;
    }
    void check(const Held& held, size_t size) {
        ASSERT_EQ(held.at[0], held.pattern);
        ASSERT_EQ(memcmp(held.at, held.at + 1, size - 1), 0);
    }
    void resize(Held& held, size_t size) {
        errno = 0;
        if (!held.at) return;
        void* at = reallocate(held.at, size);
        if (!answered(at)) {  // the old block is untouched
            check(held, held.size);
            return;
        }
        held.at = static_cast<unsigned char*>(at);
        check(held, size < held.size ? size : held.size);
        held.size = size;
        memset(at, held.pattern, size);
        errno = 0;
    }
    void drop(Held& held) {
        if (held.at) check(held, held.size);
        release(held.at);
        held = {nullptr, 0, 0};
    }
    std::vector<Held> held_;
};

uint64_t live_objects() {
    uint64_t live = block_stats().live_blocks;
    for (SizeClass c = 0; c < kClasses; ++c)
        live += class_totals(c).allocations - class_totals(c).frees;
    return live;
}

void run_with(os::Call call, long successes, unsigned& refused) {
    const uint64_t live = live_objects();
    errno = 0;
    Scenario scenario;
    os::fail_after(call, successes);
    scenario.run();
    os::fail_none();
    scenario.free_all();
    EXPECT_EQ(live_objects(), live) << "after " << successes;
    refused += scenario.refused;
    Scenario again;
    again.run();
    again.free_all();
    EXPECT_EQ(again.refused, 0u) << "after " << successes;
    EXPECT_EQ(live_objects(), live);
    trim();
}

void each_in_turn(os::Call call, unsigned& refused) {
    os::fail_none();
    trim();
    const long before = os::calls(call);
    Scenario counted;
    counted.run();
    const long calls = os::calls(call) - before;
    counted.free_all();
    trim();
    for (long n = 0; n <= calls && !testing::Test::HasFailure(); ++n)
        run_with(call, n, refused);
}

TEST(EveryCallFails, Map) {
    unsigned refused = 0;
    each_in_turn(os::Call::kMap, refused);
    EXPECT_GT(refused, 0u);
}
TEST(EveryCallFails, Reserve) {
    unsigned refused = 0;
    each_in_turn(os::Call::kReserve, refused);
}
TEST(EveryCallFails, Commit) {
    unsigned refused = 0;
    each_in_turn(os::Call::kCommit, refused);
}
TEST(EveryCallFails, Purge) {
    unsigned refused = 0;
    each_in_turn(os::Call::kPurge, refused);
    EXPECT_EQ(refused, 0u);
}
TEST(EveryCallFails, Unmap) {
    unsigned refused = 0;
    each_in_turn(os::Call::kUnmap, refused);
    EXPECT_EQ(refused, 0u);
}
TEST(EveryCallFails, Remap) {
    unsigned refused = 0;
    each_in_turn(os::Call::kRemap, refused);
    EXPECT_EQ(refused, 0u);
}

// Nothing at all is to be had: the first object a process asks for, and each after it.
TEST(EveryCallFails, AllTogether) {
    const uint64_t live = live_objects();
    errno = 0;
    Scenario scenario;
    for (int call = 0; call < static_cast<int>(os::Call::kCount); ++call)
        os::fail_after(static_cast<os::Call>(call), 0);
    scenario.run();
    os::fail_none();
    scenario.free_all();
    EXPECT_GT(scenario.refused, 0u);
    EXPECT_EQ(live_objects(), live);
}

}  // namespace
}  // namespace tarn
