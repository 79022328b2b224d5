// SPDX-License-Identifier: MIT
// metrics.hpp; peaks and sums against a model that counts every call itself.
#include "tarn/metrics.hpp"

#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "tarn/buffer.h"

namespace {

using tarn::Metrics;
using tarn::MetricsMode;
using tarn::MetricsScope;
using tarn::MetricsTask;

// What the header promises of the difference of the two peaks, when every size class is in use.
constexpr uint64_t kBinsMost = uint64_t{720} << 10;

// Counts what a scope should.
struct Model {
    uint64_t allocations = 0, frees = 0, bytes_allocated = 0, bytes_freed = 0, large = 0;
    int64_t live = 0, peak = 0;

    void allocated(void* p) {
        const size_t size = malloc_usable_size(p);
        ++allocations;
        large += size > 32768;
        bytes_allocated += size;
        live += static_cast<int64_t>(size);
        peak = std::max(peak, live);
    }
    void freed(void* p) {
        ++frees;
        bytes_freed += malloc_usable_size(p);
        live -= static_cast<int64_t>(malloc_usable_size(p));
    }
};

// Allocates and frees by a random walk over `slots`; records of its own are made beforehand.
template <size_t kSlots>
void walk(std::mt19937_64& random, std::array<void*, kSlots>& slots, Model* model, int steps,
          size_t size_most) {
    for (int i = 0; i < steps; ++i) {
        void*& slot = slots[random() % kSlots];
        if (slot) {
            if (model) model->freed(slot);
            std::free(slot);
            slot = nullptr;
        } else {
            // Mostly small, by all three ways to allocate.
            const size_t size = 1 + random() % (random() % 4 ? 300 : size_most);
            const auto way = random() % 8;
            slot = way == 0   ? std::calloc(1, size)
                   : way == 1 ? std::aligned_alloc(64, size)
                              : std::malloc(size);
            if (model) model->allocated(slot);
        }
    }
}

uint64_t seed() {
    const uint64_t value = std::random_device{}();
    testing::Test::RecordProperty("seed", std::to_string(value));
    std::printf("seed %llu\n", static_cast<unsigned long long>(value));
    return value;
}

void expect_counts(const Metrics& m, const Model& model) {
    EXPECT_EQ(m.allocations, model.allocations);
    EXPECT_EQ(m.frees, model.frees);
    EXPECT_EQ(m.bytes_allocated, model.bytes_allocated);
    EXPECT_EQ(m.bytes_freed, model.bytes_freed);
    EXPECT_EQ(m.live_bytes, model.live);
    EXPECT_EQ(m.large_allocations, model.large);
    EXPECT_EQ(m.small_allocations, model.allocations - model.large);
}

// The default backend is loaded after so many blocks, and its loading allocates.
void load_backend() {
    for (int i = 0; i < 3000; ++i) {
        void* volatile block = std::malloc(40000);
        std::free(block);
    }
}

TEST(Metrics, ExactScopesAgreeWithTheModel) {
    load_backend();
    std::mt19937_64 random(seed());
    for (int round = 0; round < 50; ++round) {
        std::array<void*, 300> slots{};
        walk(random, slots, nullptr, 500, 100000);  // some are live at the begin
        Model model;
        Metrics m;
        {
            MetricsScope scope(m, MetricsMode::kExact);
            walk(random, slots, &model, 1000, 100000);
        }
        expect_counts(m, model);
        EXPECT_EQ(m.peak_bytes, static_cast<uint64_t>(model.peak));
        EXPECT_EQ(m.peak_bytes_most, m.peak_bytes);
        for (void* p : slots)
            std::free(p);
    }
}

TEST(Metrics, BuffersThatGrowAreSeen) {
    load_backend();
    Metrics m;
    {
        MetricsScope scope(m, MetricsMode::kExact);
        tarn_buffer* buffer = tarn_buffer_create(64, TARN_BUFFER_DEFAULT);
        ASSERT_EQ(tarn_buffer_reserve(buffer, 100000), 0);
        ASSERT_EQ(tarn_buffer_reserve(buffer, 8 << 20), 0);
        tarn_buffer_destroy(buffer);
    }
    EXPECT_GE(m.peak_bytes, uint64_t{8} << 20);
}

TEST(Metrics, SampledPeaksBoundTheTruePeak) {
    load_backend();
    std::mt19937_64 random(seed());
    for (int round = 0; round < 100; ++round) {
        std::array<void*, 2000> slots{};
        walk(random, slots, nullptr, 1000, 12000);
        Model model;
        Metrics m;
        {
            MetricsScope scope(m);
            walk(random, slots, &model, 1 << random() % 15, size_t{64} << random() % 11);
        }
        expect_counts(m, model);
        const auto peak = static_cast<uint64_t>(model.peak);
        EXPECT_LE(m.peak_bytes, peak);
        EXPECT_GE(m.peak_bytes_most, peak);
        EXPECT_LE(m.peak_bytes_most - m.peak_bytes, kBinsMost + std::max<uint64_t>(16384, peak / 64));
        for (void* p : slots)
            std::free(p);
    }
}

// One class: its bin holds 16 KiB at most, and as much may pass before the next sample.
TEST(Metrics, OneClassIsOffByItsBin) {
    std::array<void*, 3000> slots{};
    std::mt19937_64 random(seed());
    Model model;
    Metrics m;
    malloc_trim(0);  // what other classes' bins hold would count
    {
        MetricsScope scope(m);
        walk(random, slots, &model, 100000, 128);
        walk(random, slots, &model, 100000, 1);
    }
    // 19 classes up to 304 bytes.
    EXPECT_LE(m.peak_bytes_most - m.peak_bytes, (17u << 14) + (16u << 10) + m.peak_bytes / 64);
    EXPECT_LE(m.peak_bytes, static_cast<uint64_t>(model.peak));
    EXPECT_GE(m.peak_bytes_most, static_cast<uint64_t>(model.peak));
    for (void* p : slots)
        std::free(p);
}

TEST(Metrics, NestedScopesAgreeWithTheirModels) {
    std::mt19937_64 random(seed());
    for (int round = 0; round < 30; ++round) {
        std::array<void*, 200> slots{};
        std::array<Metrics, 3> inner;
        std::array<Model, 3> models;
        Model outer_model;
        Metrics outer;
        {
            MetricsScope scope(outer);
            for (size_t i = 0; i < inner.size(); ++i) {
                MetricsScope nested(inner[i], i % 2 ? MetricsMode::kExact : MetricsMode::kSampled);
                walk(random, slots, &models[i], 500, 5000);
            }
        }
        for (size_t i = 0; i < inner.size(); ++i) {
            expect_counts(inner[i], models[i]);
            outer_model.peak = std::max(outer_model.peak, outer_model.live + models[i].peak);
            outer_model.live += models[i].live;
            outer_model.allocations += models[i].allocations;
            const auto peak = static_cast<uint64_t>(models[i].peak);
            EXPECT_LE(inner[i].peak_bytes, peak);
            EXPECT_GE(inner[i].peak_bytes_most, peak);
            if (i % 2) {
                EXPECT_EQ(inner[i].peak_bytes, peak);
            }
        }
        EXPECT_EQ(outer.allocations, outer_model.allocations);
        EXPECT_EQ(outer.live_bytes, outer_model.live);
        EXPECT_LE(outer.peak_bytes, static_cast<uint64_t>(outer_model.peak));
        EXPECT_GE(outer.peak_bytes_most, static_cast<uint64_t>(outer_model.peak));
        for (void* p : slots)
            std::free(p);
    }
}

TEST(Metrics, AnExactScopeWithinOthersLeavesTheFastPathAsItWas) {
    Metrics outer, exact, after;
    {
        MetricsScope all(outer);
        { MetricsScope inner(exact, MetricsMode::kExact); }
        for (int i = 0; i < 1000; ++i) {
            MetricsScope inner(after);
            void* volatile p = std::malloc(40);
            std::free(p);
        }
    }
    EXPECT_EQ(outer.allocations, 1000u);
    EXPECT_EQ(after.allocations, 1u);
}

TEST(Metrics, ReadDoesNotEnd) {
    MetricsScope scope(MetricsMode::kExact);
    void* volatile p = std::malloc(100);
    EXPECT_EQ(scope.read().allocations, 1u);
    EXPECT_EQ(scope.read().peak_bytes, 112u);
    std::free(p);
    EXPECT_EQ(scope.read().frees, 1u);
    EXPECT_EQ(scope.read().peak_bytes, 112u);
}

TEST(Metrics, AScopeReadsAsInvalidOnAnotherThread) {
    MetricsScope scope;
    std::thread([&] { EXPECT_THROW(scope.read(), std::invalid_argument); }).join();
}

TEST(Metrics, AScopeGoesOnInTheChildOfAFork) {
    MetricsScope scope;
    void* volatile p = std::malloc(100);
    const pid_t child = fork();
    if (child == 0) {
        void* volatile q = std::malloc(100);
        const bool right = scope.read().allocations == 2 && q;
        _exit(right && p ? 0 : 1);
    }
    int status;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    std::free(p);
}

TEST(Metrics, TextAndJson) {
    Metrics m{};
    m.allocations = 3;
    EXPECT_NE(tarn::to_string(m, tarn::MetricsFormat::kText, "parse").find("parse: 3 allocations"),
              std::string::npos);
    EXPECT_EQ(tarn::to_string(m, tarn::MetricsFormat::kJson).find("{\"name\":\"\""), 0u);
    EXPECT_EQ(tarn::to_string(m, tarn::MetricsFormat::kJson).back(), '}');
}

TEST(MetricsTask, ThreadsAtTheSameTimeAreSummed) {
    constexpr int kThreads = 4, kStays = 200, kObjects = 50;
    MetricsTask task;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&] {
            for (int stay = 0; stay < kStays; ++stay) {
                MetricsTask::Stay here(task);
                for (int i = 0; i < kObjects; ++i) {
                    void* volatile p = std::malloc(64);
                    std::free(p);
                }
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    const Metrics sum = task.read();
    EXPECT_EQ(sum.threads, unsigned{kThreads});
    EXPECT_EQ(sum.scopes, unsigned{kThreads * kStays});
    EXPECT_EQ(sum.live_bytes, 0);
    EXPECT_EQ(sum.allocations, unsigned{kThreads * kStays * kObjects});
    const auto each = task.read_threads();
    ASSERT_EQ(each.size(), size_t{kThreads});
    for (size_t i = 0; i < each.size(); ++i) {
        EXPECT_EQ(each[i].metrics.allocations, unsigned{kStays * kObjects});
        for (size_t j = 0; j < i; ++j)
            EXPECT_NE(each[i].thread, each[j].thread);
    }
}

TEST(MetricsTask, WhatOneThreadKeepsAnotherFrees) {
    MetricsTask task;
    void* kept = nullptr;
    std::thread([&] {
        MetricsTask::Stay here(task, MetricsMode::kExact);
        kept = std::malloc(1024);
    }).join();
    EXPECT_EQ(task.read().live_bytes, 1024);
    std::thread([&] {
        MetricsTask::Stay here(task, MetricsMode::kExact);
        void* volatile more = std::malloc(2048);
        std::free(more);
        std::free(kept);
    }).join();
    EXPECT_EQ(task.read().live_bytes, 0);
    EXPECT_EQ(task.read().peak_bytes, 3072u);
    EXPECT_EQ(task.read().peak_bytes_most, 3072u);
    EXPECT_EQ(task.read_thread(1)->metrics.live_bytes, -1024);
    EXPECT_FALSE(task.read_thread(2));
}

}  // namespace
