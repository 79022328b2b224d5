// SPDX-License-Identifier: MIT
// Sampled objects in mixed slabs of their own: they are told apart from all others, also in a forked child.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "entry_sample.h"
#include "mixed/mixed.h"
#include "os/os.h"
#include "pages/runs.h"

namespace tarn {
namespace {

constexpr SizeClass kLast = class_of_size(mixed::kSampledMost);

struct Sampled : testing::Test {
    Sampled() { mixed::trim(); }
    ~Sampled() override {
        mixed::check();
        mixed::trim();
        EXPECT_EQ(mixed::sampled_units(), 0u);
        EXPECT_EQ(mixed::units(), 0u);
    }
};

void* sampled(SizeClass c) {
    const mixed::Taken taken = mixed::take_sampled(c);
    EXPECT_NE(taken.object, nullptr);
    return taken.object;
}

mixed::State state(const void* p) {
    return mixed::look_up(p).state;
}

TEST_F(Sampled, AnObjectOfEachClass) {
    std::vector<void*> objects;
    for (SizeClass c = 0; c <= kLast; ++c) {
        void* const object = sampled(c);
        memset(object, 0xff, kSizeClasses[c].size);
        EXPECT_TRUE(mixed::has(object));
        EXPECT_EQ(entry_at(object), kSampledEntry);
        EXPECT_EQ(state(object), mixed::State::kSampled);
        EXPECT_EQ(mixed::look_up(object).size_class, c);
        EXPECT_EQ(state(static_cast<char*>(object) + 8), mixed::State::kInside);
        objects.push_back(object);
    }
    mixed::check();
    EXPECT_EQ(mixed::take_sampled(kLast + 1).object, nullptr);
    for (void* object : objects)
        EXPECT_EQ(mixed::give_sampled(object).state, mixed::State::kSampled);
}

TEST_F(Sampled, TwoOfHalfAUnitFillOne) {
    constexpr SizeClass kHalf = class_of_size(7680);
    void* const first = sampled(kHalf);
    void* const second = sampled(kHalf);
    EXPECT_EQ(unit_of(first), unit_of(second));
    EXPECT_EQ(mixed::sampled_units(), 1u);
    void* const third = sampled(kLast);
    EXPECT_EQ(mixed::sampled_units(), 2u);
    for (void* object : {first, second, third})
        mixed::give_sampled(object);
}

// What an ordinary free makes of one: nothing, so that it can be told before.
TEST_F(Sampled, IsNotGivenLikeOthers) {
    void* const object = sampled(3);
    EXPECT_EQ(mixed::give(object).state, mixed::State::kSampled);
    EXPECT_EQ(state(object), mixed::State::kSampled);
    EXPECT_EQ(mixed::give_sampled(object).state, mixed::State::kSampled);
    EXPECT_EQ(state(object), mixed::State::kFree);
    EXPECT_EQ(mixed::give_sampled(object).state, mixed::State::kFree) << "a second free";
    EXPECT_EQ(mixed::give(object).state, mixed::State::kFree);
}

TEST_F(Sampled, OthersAreNotGivenLikeIt) {
    void* const object = mixed::take(3).object;
    EXPECT_EQ(mixed::give_sampled(object).state, mixed::State::kUsed);
    EXPECT_EQ(mixed::give(object).state, mixed::State::kUsed);
}

TEST_F(Sampled, LiesApartFromOthersAndIsUsedAgain) {
    void* const plain = mixed::take(3).object;
    void* const object = sampled(3);
    EXPECT_NE(unit_of(plain), unit_of(object));
    mixed::give_sampled(object);
    EXPECT_EQ(sampled(3), object);
    EXPECT_EQ(mixed::counts(3).objects, 2u);
    mixed::give_sampled(object);
    mixed::give(plain);
}

TEST_F(Sampled, UnitsGoBackWhenTheyAreEmpty) {
    std::vector<void*> objects;
    for (int i = 0; i < 100; ++i)
        objects.push_back(sampled(kLast));
    EXPECT_EQ(mixed::sampled_units(), 100u);
    for (void* object : objects)
        mixed::give_sampled(object);
    EXPECT_LE(mixed::sampled_units(), 1u);
}

TEST_F(Sampled, AThousandOfAllSizesByFourThreads) {
    std::atomic<void*> handed[64] = {};
    std::vector<std::thread> threads;
    for (unsigned seed = 1; seed <= 4; ++seed)
        threads.emplace_back([&, seed] {
            std::mt19937 random(seed);
            for (int i = 0; i < 20'000; ++i) {
                void* const fresh =
                    random() % 3 ? sampled(static_cast<SizeClass>(random()) % (kLast + 1)) : nullptr;
                if (void* const old = handed[random() % 64].exchange(fresh)) {
                    ASSERT_EQ(mixed::give(old).state, mixed::State::kSampled);
                    ASSERT_EQ(mixed::give_sampled(old).state, mixed::State::kSampled);
                }
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    mixed::check();
    for (std::atomic<void*>& slot : handed)
        if (slot) mixed::give_sampled(slot);
}

TEST_F(Sampled, AChildOfForkHasThemStill) {
    void* const object = sampled(5);
    void* const freed = sampled(6);
    void* const plain = mixed::take(5).object;
    mixed::give_sampled(freed);
    const pid_t child = fork();
    if (child == 0) {
        runs_after_fork_child(Others::kLived, Transit::kNobodys);
        mixed::after_fork_child();
        const bool right = state(object) == mixed::State::kSampled && state(plain) == mixed::State::kUsed &&
                           mixed::give_sampled(object).state == mixed::State::kSampled;
        mixed::check();
        _exit(right ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    mixed::give_sampled(object);
    mixed::give(plain);
}

}  // namespace
}  // namespace tarn
