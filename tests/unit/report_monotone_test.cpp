// SPDX-License-Identifier: MIT
// Counters that once were shown never fall, gauges are as they are, and several threads may report at once.
#include "report/monotone.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "stats/stats.h"
#include "stats_sample.h"

using tarn::Kind;
using tarn::kPerClass;
using tarn::kTotals;
using tarn::Monotone;
using tarn::Snapshot;

namespace {

constinit Monotone constant;  // usable before main

// Every number is `value`.
Snapshot uniform(uint64_t value) {
    Snapshot s{};
    s.classes = 2;
    for (const auto& metric : kTotals)
        if (metric.count) s.*metric.count = value;
    for (uint32_t c = 0; c < s.classes; ++c)
        for (const auto& metric : kPerClass)
            s.class_stats[c].*metric.count = value + c;
    return s;
}

}  // namespace

TEST(Monotone, FirstReadingIsUnchanged) {
    Snapshot before = sample(), after;
    tarn::complete(before);
    after = before;
    constant.hold(after);
    EXPECT_EQ(memcmp(&before, &after, sizeof before), 0);
}

TEST(Monotone, CountersAreHeldAndGaugesAreNot) {
    auto monotone = std::make_unique<Monotone>();
    Snapshot s = uniform(100);
    monotone->hold(s);
    s = uniform(90);
    monotone->hold(s);
    for (const auto& metric : kTotals) {
        if (!metric.count) continue;
        EXPECT_EQ(s.*metric.count, metric.kind == Kind::kCounter ? 100u : 90u) << metric.name;
    }
    for (uint32_t c = 0; c < s.classes; ++c)
        for (const auto& metric : kPerClass)
            EXPECT_EQ(s.class_stats[c].*metric.count, (metric.kind == Kind::kCounter ? 100u : 90u) + c)
                << metric.name;
}

TEST(Monotone, GrowingCountersAreUnchanged) {
    auto monotone = std::make_unique<Monotone>();
    for (uint64_t value : {1, 2, 2, 50}) {
        Snapshot s = uniform(value), read = s;
        monotone->hold(s);
        EXPECT_EQ(memcmp(&s, &read, sizeof s), 0) << value;
    }
}

TEST(Monotone, HoldsForThreadsThatReportAtOnce) {
    auto monotone = std::make_unique<Monotone>();
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 3; ++t)
        threads.emplace_back([&, t] {
            uint64_t last = 0;
            for (uint64_t i = 0; i < 3000; ++i) {
                Snapshot s = uniform(i * 7919 % 1000 + t);
                const uint64_t read = s.frees;
                monotone->hold(s);
                ASSERT_GE(s.frees, last);
                ASSERT_GE(s.frees, read);
                last = s.frees;
            }
        });
    for (auto& thread : threads)
        thread.join();
    Snapshot s = uniform(0);
    monotone->hold(s);
    EXPECT_EQ(s.frees, 999u + 2) << "the most that any of them read";
}
