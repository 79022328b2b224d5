// SPDX-License-Identifier: MIT
// Mixed slabs: objects of many classes side by side, what is told of each pointer, what goes back, and what a forked
// child makes of them.
#include "mixed/mixed.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <map>
#include <random>
#include <thread>

#include "entry_sample.h"
#include "os/os.h"
#include "pages/runs.h"

namespace tarn {
namespace {

constexpr SizeClass kLast = class_of_size(mixed::kSizeMost);

struct Mixed : testing::Test {
    Mixed() { mixed::trim(); }
    ~Mixed() override {
        mixed::check();
        mixed::trim();
        EXPECT_EQ(mixed::units(), 0u);
    }
};

void* taken(SizeClass c) {
    const mixed::Taken taken = mixed::take(c);
    EXPECT_NE(taken.object, nullptr);
    return taken.object;
}

mixed::State state(const void* p) {
    return mixed::look_up(p).state;
}

TEST_F(Mixed, AnObjectOfEachClassSideBySide) {
    char* previous_end = nullptr;
    std::vector<void*> objects;
    for (SizeClass c = 0; c <= kLast; ++c) {
        char* const object = static_cast<char*>(taken(c));
        memset(object, 0xff, kSizeClasses[c].size);
        EXPECT_TRUE(mixed::has(object));
        EXPECT_EQ(state(object), mixed::State::kUsed);
        EXPECT_EQ(mixed::look_up(object).size_class, c);
        if (previous_end) {
            EXPECT_EQ(object, previous_end);
        }
        previous_end = object + kSizeClasses[c].size;
        objects.push_back(object);
    }
    EXPECT_EQ(mixed::units(), 1u);
    EXPECT_EQ(mixed::take(kLast + 1).object, nullptr);
    for (void* object : objects)
        EXPECT_EQ(mixed::give(object).state, mixed::State::kUsed);
}

TEST_F(Mixed, WhatIsAtAPointer) {
    char* const object = static_cast<char*>(taken(class_of_size(96)));
    char* const next = static_cast<char*>(taken(class_of_size(16)));
    ASSERT_EQ(next, object + 96);
    for (size_t offset : {1, 8, 16, 95}) {
        EXPECT_EQ(state(object + offset), mixed::State::kInside) << offset;
        EXPECT_EQ(mixed::look_up(object + offset).size_class, class_of_size(96));
        EXPECT_EQ(mixed::give(object + offset).state, mixed::State::kInside);
    }
    EXPECT_EQ(state(next + 16), mixed::State::kNothing);
    EXPECT_EQ(state(unit_address(unit_of(object))), mixed::State::kNothing) << "the table";
    EXPECT_EQ(mixed::give(object).state, mixed::State::kUsed);
    EXPECT_EQ(state(object), mixed::State::kFree);
    EXPECT_EQ(mixed::give(object).state, mixed::State::kFree) << "a second free";
    EXPECT_EQ(mixed::give(next).state, mixed::State::kUsed);
    EXPECT_EQ(mixed::give(next).state, mixed::State::kFree) << "also when the unit is empty";
}

TEST_F(Mixed, ThreadsDoNotBeginInOneCacheLine) {
    void* const mine = taken(0);
    void* others = nullptr;
    std::thread([&] { others = taken(0); }).join();
    void* const mine_again = taken(0);
    EXPECT_GE(std::abs(static_cast<char*>(mine) - static_cast<char*>(others)), 64);
    EXPECT_GE(std::abs(static_cast<char*>(mine_again) - static_cast<char*>(others)), 64);
    for (void* object : {mine, others, mine_again})
        mixed::give(object);
}

TEST_F(Mixed, WhatWasFreedIsTakenAgainFirst) {
    void* const object = taken(3);
    void* const other = taken(4);
    mixed::give(object);
    const mixed::Taken again = mixed::take(3);
    EXPECT_EQ(again.object, object);
    EXPECT_FALSE(again.fresh);
    mixed::give(object);
    mixed::give(other);
}

TEST_F(Mixed, EmptyUnitsGoBack) {
    const size_t in_use = run_stats().in_use;
    std::vector<void*> objects;
    for (int i = 0; i < 200; ++i)
        objects.push_back(taken(kLast));
    EXPECT_GE(mixed::units(), 200u * 1024 / kUnitSize);
    void* const first = objects.front();
    for (void* object : objects)
        mixed::give(object);
    EXPECT_EQ(mixed::units(), 1u) << "the one that is carved stays";
    EXPECT_TRUE(mixed::was_mixed(first));
    EXPECT_EQ(mixed::trim(), kUnitSize);
    EXPECT_EQ(run_stats().in_use, in_use);
}

TEST_F(Mixed, AtRandomNothingOverlaps) {
    std::mt19937 random(7);
    std::map<char*, SizeClass> live;
    for (int i = 0; i < 20000; ++i) {
        if (live.size() < 300 && random() % 3) {
            const SizeClass c = random() % (kLast + 1);
            char* const object = static_cast<char*>(taken(c));
            memset(object, 0xa5, kSizeClasses[c].size);
            const auto [at, added] = live.emplace(object, c);
            ASSERT_TRUE(added);
            if (at != live.begin()) {
                ASSERT_LE(std::prev(at)->first + kSizeClasses[std::prev(at)->second].size, object);
            }
            if (std::next(at) != live.end()) {
                ASSERT_LE(object + kSizeClasses[c].size, std::next(at)->first);
            }
        } else if (!live.empty()) {
            auto at = std::next(live.begin(), static_cast<long>(random() % live.size()));
            ASSERT_EQ(mixed::give(at->first).state, mixed::State::kUsed);
            live.erase(at);
        }
        if (i % 1000 == 0) mixed::check();
    }
    for (const auto& [object, c] : live)
        mixed::give(object);
}

TEST_F(Mixed, ManyThreadsAtOnce) {
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t)
        threads.emplace_back([t] {
            std::mt19937 random(t);
            std::vector<std::pair<unsigned char*, SizeClass>> mine;
            for (int i = 0; i < 5000; ++i) {
                if (random() % 2 || mine.empty()) {
                    const SizeClass c = random() % (kLast + 1);
                    auto* const object = reinterpret_cast<unsigned char*>(mixed::take(c).object);
                    memset(object, static_cast<int>(t), kSizeClasses[c].size);
                    mine.emplace_back(object, c);
                } else {
                    const auto [object, c] = mine.back();
                    mine.pop_back();
                    for (size_t at = 0; at < kSizeClasses[c].size; ++at)
                        ASSERT_EQ(object[at], t);
                    mixed::give(object);
                }
            }
            for (const auto& [object, c] : mine)
                mixed::give(object);
        });
    for (std::thread& thread : threads)
        thread.join();
}

TEST_F(Mixed, PagesOfFreeObjectsGoBackWhenTheProgramAsks) {
    std::vector<unsigned char*> objects;
    for (size_t i = 0; i < 4000; ++i) {
        const SizeClass c = i % 7 ? class_of_size(48) : class_of_size(704);
        objects.push_back(static_cast<unsigned char*>(taken(c)));
        memset(objects.back(), static_cast<int>(i), i % 7 ? 48 : 704);
    }
    for (size_t i = 0; i < 4000; ++i)
        if (i % 100) mixed::give(objects[i]);
    const size_t units = mixed::units();
    const size_t gone = mixed::trim();
    EXPECT_GT(gone, units * kUnitSize / 3);
    EXPECT_EQ(gone % os::kPageSize, 0u);
    mixed::check();
    EXPECT_EQ(mixed::trim(), 0u) << "nothing more to give";
    for (size_t i = 0; i < 4000; i += 100)
        for (size_t k = 0; k < (i % 7 ? 48 : 704); ++k)
            ASSERT_EQ(objects[i][k], static_cast<unsigned char>(i));
    // What is left free is taken again, and the rest is carved anew.
    for (size_t i = 1; i < 4000; ++i)
        if (i % 100) objects[i] = static_cast<unsigned char*>(taken(class_of_size(48)));
    mixed::check();
    for (unsigned char* object : objects)
        EXPECT_EQ(mixed::give(object).state, mixed::State::kUsed);
}

TEST_F(Mixed, NoMemoryIsNoObject) {
    void* const kept = taken(kLast);
    std::vector<void*> objects;
    for (os::Call call : {os::Call::kReserve, os::Call::kCommit, os::Call::kMap})
        os::fail_after(call, 0);
    while (void* object = mixed::take(kLast).object)
        objects.push_back(object);
    os::fail_none();
    EXPECT_EQ(state(kept), mixed::State::kUsed);
    mixed::give(kept);
    for (void* object : objects)
        mixed::give(object);
}

#ifndef __SANITIZE_THREAD__
// Threads are anywhere in these calls when the process forks; in the child they are gone.
TEST_F(Mixed, TheChildOfAForkGoesOn) {
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 2; ++t)
        threads.emplace_back([&stop, t] {
            std::mt19937 random(t);
            void* mine[20] = {};
            while (!stop) {
                void*& object = mine[random() % 20];
                if (object) mixed::give(object);
                object = object ? nullptr : mixed::take(random() % (kLast + 1)).object;
            }
            for (void* object : mine)
                if (object) mixed::give(object);
        });
    for (int i = 0; i < 200; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(20);
            mixed::check();
            std::vector<void*> objects;
            for (int n = 0; n < 300; ++n)
                objects.push_back(mixed::take(static_cast<SizeClass>(n) % (kLast + 1)).object);
            for (void* object : objects)
                if (!object || mixed::give(object).state != mixed::State::kUsed) _exit(1);
            mixed::check();
            _exit(0);
        }
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_EQ(status, 0);
    }
    stop = true;
    for (std::thread& thread : threads)
        thread.join();
}

#endif

TEST(FirstFew, OfAThreadAndOfAClass) {
    std::thread([] {
        std::vector<void*> first;
        while (true) {
            void* const object = allocate(100);
            if (!mixed::has(object)) break;
            first.push_back(object);
            ASSERT_LT(first.size(), 100u);
        }
        EXPECT_GE(first.size(), 60u);
        EXPECT_TRUE(has_cache(current_cache));
        size_t of_class = 0;
        std::vector<void*> objects;
        for (; mixed::has(objects.emplace_back(allocate(500))); ++of_class) {
        }
        EXPECT_EQ(of_class, mixed::few(class_of_size(500)));
        for (const std::vector<void*>& all : {first, objects})
            for (void* object : all)
                release(object);
    }).join();
}

TEST(FirstFew, AlignedAndLargerOnesAreNot) {
    std::thread([] {
        for (size_t alignment : {32, 64, 1024, 4096}) {
            void* const object = allocate_aligned(alignment, 64);
            EXPECT_EQ(reinterpret_cast<uintptr_t>(object) % alignment, 0u);
            EXPECT_FALSE(mixed::has(object));
            release(object);
        }
        void* const object = allocate(mixed::kSizeMost + 1);
        EXPECT_FALSE(mixed::has(object));
        release(object);
    }).join();
}

}  // namespace
}  // namespace tarn
