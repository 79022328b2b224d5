// SPDX-License-Identifier: MIT
// Parts that are listed: what is counted, and a report over a call that changes the list.
#include "stats/parts.h"

#include <gtest/gtest.h>
#include <unistd.h>

using tarn::Part;
using tarn::PartCounts;

namespace {

struct Counted : Part {
    explicit Counted(uint64_t number) : Part(read), requests(number) {}
    static void read(const Part& part, PartCounts& counts) {
        counts.intern_requests += static_cast<const Counted&>(part).requests;
        ++counts.interners;
    }
    const uint64_t requests;
};

// Reports while it is read, as a signal handler may that ends the process.
struct Interrupted : Part {
    Interrupted() : Part(read) {}
    static void read(const Part&, PartCounts& counts) {
        ++counts.interners;
        if (depth++ == 0) seen = tarn::part_counts();
        --depth;
    }
    static inline int depth = 0;
    static inline PartCounts seen;
};

TEST(Parts, CountsStayAndGaugesGo) {
    const PartCounts before = tarn::part_counts();
    Counted one(3), other(4);
    one.list();
    other.list();
    EXPECT_EQ(tarn::part_counts().intern_requests, before.intern_requests + 7);
    EXPECT_EQ(tarn::part_counts().interners, before.interners + 2);
    one.unlist();
    EXPECT_EQ(tarn::part_counts().intern_requests, before.intern_requests + 7);
    EXPECT_EQ(tarn::part_counts().interners, before.interners + 1);
    other.unlist();
    EXPECT_EQ(tarn::part_counts().intern_requests, before.intern_requests + 7);
    EXPECT_EQ(tarn::part_counts().interners, before.interners);
}

bool has(const Part& part, const void* what) {
    return static_cast<const Counted&>(part).requests == *static_cast<const uint64_t*>(what);
}

TEST(Parts, AnyAsksThoseOfOneKind) {
    Counted one(3), other(4);
    Interrupted another;
    one.list();
    another.list();
    other.list();
    const uint64_t three = 3, five = 5;
    EXPECT_TRUE(Part::any(Counted::read, has, &three));
    EXPECT_FALSE(Part::any(Counted::read, has, &five));
    one.unlist();
    EXPECT_FALSE(Part::any(Counted::read, has, &three));
    another.unlist();
    other.unlist();
}

TEST(Parts, AReportInAHandlerOverACallEnds) {
    const PartCounts before = tarn::part_counts();
    Counted other(5);
    Interrupted part;
    other.list();
    part.list();
    alarm(10);
    part.unlist();
    alarm(0);
    EXPECT_EQ(Interrupted::seen.intern_requests, before.intern_requests + 5);
    EXPECT_EQ(Interrupted::seen.interners, before.interners + 2) << "neither gone nor twice";
    other.unlist();
}

}  // namespace
