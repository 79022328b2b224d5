// SPDX-License-Identifier: MIT
// Meters that are listed: what is counted, and a report over a call that changes the list.
#include "stats/meters.h"

#include <gtest/gtest.h>
#include <unistd.h>

using tarn::Meter;
using tarn::MeterCounts;

namespace {

struct Counted : Meter {
    explicit Counted(uint64_t number) : Meter(read), requests(number) {}
    static void read(const Meter& meter, MeterCounts& counts) {
        counts.intern_requests += static_cast<const Counted&>(meter).requests;
        ++counts.interners;
    }
    const uint64_t requests;
};

// Reports while it is read, as a signal handler may that ends the process.
struct Interrupted : Meter {
    Interrupted() : Meter(read) {}
    static void read(const Meter&, MeterCounts& counts) {
        ++counts.interners;
        if (depth++ == 0) seen = tarn::meter_counts();
        --depth;
    }
    static inline int depth = 0;
    static inline MeterCounts seen;
};

TEST(Meters, CountsStayAndGaugesGo) {
    const MeterCounts before = tarn::meter_counts();
    Counted one(3), other(4);
    one.list();
    other.list();
    EXPECT_EQ(tarn::meter_counts().intern_requests, before.intern_requests + 7);
    EXPECT_EQ(tarn::meter_counts().interners, before.interners + 2);
    one.unlist();
    EXPECT_EQ(tarn::meter_counts().intern_requests, before.intern_requests + 7);
    EXPECT_EQ(tarn::meter_counts().interners, before.interners + 1);
    other.unlist();
    EXPECT_EQ(tarn::meter_counts().intern_requests, before.intern_requests + 7);
    EXPECT_EQ(tarn::meter_counts().interners, before.interners);
}

bool has(const Meter& meter, const void* what) {
    return static_cast<const Counted&>(meter).requests == *static_cast<const uint64_t*>(what);
}

TEST(Meters, AnyAsksThoseOfOneKind) {
    Counted one(3), other(4);
    Interrupted another;
    one.list();
    another.list();
    other.list();
    const uint64_t three = 3, five = 5;
    EXPECT_TRUE(Meter::any(Counted::read, has, &three));
    EXPECT_FALSE(Meter::any(Counted::read, has, &five));
    one.unlist();
    EXPECT_FALSE(Meter::any(Counted::read, has, &three));
    another.unlist();
    other.unlist();
}

TEST(Meters, AReportInAHandlerOverACallEnds) {
    const MeterCounts before = tarn::meter_counts();
    Counted other(5);
    Interrupted meter;
    other.list();
    meter.list();
    alarm(10);
    meter.unlist();
    alarm(0);
    EXPECT_EQ(Interrupted::seen.intern_requests, before.intern_requests + 5);
    EXPECT_EQ(Interrupted::seen.interners, before.interners + 2) << "neither gone nor twice";
    other.unlist();
}

}  // namespace
