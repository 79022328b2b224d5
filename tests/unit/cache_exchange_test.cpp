// SPDX-License-Identifier: MIT
// An observer takes an object back that was popped, and another one is handed out in its place.
#include <gtest/gtest.h>

#include "cache/bins.h"
#include "cache/observer.h"
#include "cache/totals.h"
#include "entry/entry.h"
#include "process/thread.h"

namespace tarn {
namespace {

// Takes each object that is popped back, and hands out another.
struct Exchanger : Observer {
    Exchanger() : Observer{&kCalls, true} {}
    void* other = nullptr;
    Object* back = nullptr;

  private:
    static void exchange(Observer& o, ThreadCache& cache, SizeClass c, Popped& popped) {
        Exchanger& self = static_cast<Exchanger&>(o);
        if (!self.other) return;
        self.back = popped.object;
        unpop(cache, c, popped.object);
        popped.object = static_cast<Object*>(self.other);
        popped.zeroed = false;
        self.other = nullptr;
    }
    static constexpr Calls kCalls = {.refilled = exchange,
                                     .popped = exchange,
                                     .drained = nullptr,
                                     .leaves = nullptr,
                                     .changed = nullptr,
                                     .forget = [](Observer&, ThreadCache&) {}};
};

TEST(Exchange, AnObjectOnItsWayMayBeExchangedForAnother) {
    constexpr SizeClass c = 8;
    constexpr ObserverSlot kSlot = ObserverSlot::kProfile;
    ThreadCache* const cache = enter_thread();
    ASSERT_TRUE(cache);
    const auto take = [] { return allocate(kSizeClasses[c].size); };
    Exchanger exchanger;
    keep_observer(*cache, kSlot, exchanger);
    for (bool filled : {true, false}) {
        for (int i = 0; filled && i < 40; ++i)
            release(take());
        if (!filled) flush(*cache);
        attach(*cache, kSlot);
        const uint64_t live = totals_of(*cache, c).allocations - totals_of(*cache, c).frees;
        alignas(16) char place[4096];
        exchanger.other = place;
        EXPECT_EQ(take(), static_cast<void*>(place));
        EXPECT_EQ(totals_of(*cache, c).allocations - totals_of(*cache, c).frees, live);
        void* const next = take();
        EXPECT_EQ(next, static_cast<void*>(exchanger.back)) << "it lies on top again";
        release(next);
        EXPECT_EQ(totals_of(*cache, c).allocations - totals_of(*cache, c).frees, live);
        detach(*cache, kSlot);
    }
}

}  // namespace
}  // namespace tarn
