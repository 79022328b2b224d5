// SPDX-License-Identifier: MIT
// Pool<T>, misuse of a checked pool, and pools against a model.
#include "tarn/pool.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace tarn {
namespace {

struct Counted {
    static inline int alive = 0;
    explicit Counted(int v) : value(v) {
        if (v < 0) throw std::invalid_argument("negative");
        ++alive;
    }
    ~Counted() { --alive; }
    Counted(const Counted&) = delete;
    int value;
    std::string text = "a text that has memory of its own, not within the object";
};

// A wrong argument is found where make is called, not inside of the header.
template <class Source, class... Arguments>
concept Makes = requires(Source source, Arguments... arguments) {
    source.make(arguments...);
};
static_assert(Makes<Pool<Counted>, int> && Makes<Pool<Counted>::Local, int>);
static_assert(!Makes<Pool<Counted>> && !Makes<Pool<Counted>, const char*>);
static_assert(!Makes<Pool<Counted>::Local, int, int>);

TEST(PoolOfT, MakesAndDestroys) {
    Pool<Counted> pool;
    Counted* object = pool.make(7);
    EXPECT_EQ(object->value, 7);
    EXPECT_EQ(Counted::alive, 1);
    pool.destroy(object);
    pool.destroy(nullptr);
    EXPECT_EQ(Counted::alive, 0);
    EXPECT_EQ(pool.stats().live_objects, 0u);
    EXPECT_EQ(pool.stats().allocations, 1u);
}

TEST(PoolOfT, ConstructorsMayThrow) {
    Pool<Counted> pool;
    EXPECT_THROW(static_cast<void>(pool.make(-1)), std::invalid_argument);
    EXPECT_EQ(pool.stats().live_objects, 0u);
    EXPECT_EQ(pool.stats().frees, 1u);
}

TEST(PoolOfT, AsOneThreadSeesIt) {
    for (PoolChecks checks : {PoolChecks::kOff, PoolChecks::kOn}) {
        Pool<Counted> pool(checks);
        Pool<Counted>::Local local = pool.enter();
        Counted* const object = local.make(3);
        EXPECT_THROW(static_cast<void>(local.make(-3)), std::invalid_argument);
        EXPECT_EQ(pool.stats().live_objects, 1u);
        pool.destroy(object);
        local.destroy(pool.make(4));
        local.destroy(nullptr);
        EXPECT_EQ(Counted::alive, 0);
        EXPECT_EQ(pool.stats().live_objects, 0u);
    }
}

TEST(PoolOfT, PointersOwn) {
    Pool<Counted> pool(PoolChecks::kOff);
    {
        auto first = pool.make_unique(1);
        Pool<Counted>::Pointer second = pool.make_unique(2);
        first = std::move(second);
        EXPECT_EQ(Counted::alive, 1);
        EXPECT_EQ(first->value, 2);
    }
    EXPECT_EQ(Counted::alive, 0);
    EXPECT_EQ(pool.stats().live_objects, 0u);
}

TEST(PoolOfT, MovesWithItsObjects) {
    Pool<int> first;
    int* const object = first.make(5);
    Pool<int> second(std::move(first));
    Pool<int> third;
    EXPECT_NE(third.make(6), object);
    third = std::move(second);
    EXPECT_EQ(*object, 5);
    third.destroy(object);
    EXPECT_EQ(third.stats().frees, 1u);
    static_assert(!std::is_copy_constructible_v<Pool<int>> && std::is_nothrow_move_assignable_v<Pool<int>>);
}

TEST(PoolOfT, FreesAllAtOnceWithoutDestructors) {
    struct Node {
        Node* next;
        ~Node() { ADD_FAILURE() << "a destructor was run"; }
    };
    Pool<Node> pool;
    for (int i = 0; i < 100000; ++i)
        ASSERT_NE(pool.make(), nullptr);
}

TEST(PoolOfT, AlignsForTheType) {
    struct alignas(4096) Page {
        char bytes[4096];
    };
    struct alignas(64) Line {
        char bytes[65];
    };
    Pool<Page> pages;
    Pool<Line> lines;
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(reinterpret_cast<uintptr_t>(pages.make()) % 4096, 0u);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(lines.make()) % 64, 0u);
    }
    EXPECT_EQ(lines.stats().object_size, 128u);
}

TEST(PoolOfT, OutOfMemoryThrows) {
    struct Huge {
        char bytes[size_t{1} << 47];
    };
    Pool<Huge> pool;
    EXPECT_THROW(static_cast<void>(pool.allocate()), std::bad_alloc);
    EXPECT_THROW(pool.reserve(1), std::bad_alloc);
    Pool<int> small;
    EXPECT_THROW(small.reserve(SIZE_MAX / 2), std::bad_alloc);
    small.reserve(1000);
    EXPECT_EQ(small.stats().chunks, 1u);
    small.name("small");
    EXPECT_GT(small.trim(), 0u);
    small.flush();
}

// NDEBUG is not defined here.
TEST(PoolOfT, ChecksByDefaultInDebugBuilds) {
    EXPECT_EQ(kDefaultPoolChecks, PoolChecks::kOn);
    Pool<int> pool;
    int* object = pool.make(1);
    pool.destroy(object);
    EXPECT_DEATH(pool.destroy(object),
                 "^tarn: double free: 0x[0-9a-f]+, an object of a pool of objects of 8 bytes\n$");
}

class Misuse : public testing::Test {
  protected:
    ~Misuse() override { tarn_pool_destroy(pool); }
    tarn_pool* pool = tarn_pool_create(48, 16, TARN_POOL_CHECKED);
    void* object = tarn_pool_allocate(pool);
};
using MisuseDeathTest = Misuse;

TEST_F(MisuseDeathTest, DoubleFree) {
    void* other = tarn_pool_allocate(pool);
    tarn_pool_free(pool, object);
    tarn_pool_free(pool, other);
    EXPECT_DEATH(tarn_pool_free(pool, object),
                 "^tarn: double free: 0x[0-9a-f]+, an object of a pool of objects of 48 bytes\n$");
}
TEST_F(MisuseDeathTest, OfAnotherPool) {
    tarn_pool* other = tarn_pool_create(48, 16, TARN_POOL_CHECKED);
    void* foreign = tarn_pool_allocate(other);
    EXPECT_DEATH(tarn_pool_free(pool, foreign),
                 "^tarn: pointer never handed out: 0x[0-9a-f]+, by this pool of objects of 48 bytes\n$");
    tarn_pool_destroy(other);
}
TEST_F(MisuseDeathTest, OfMalloc) {
    void* volatile foreign = malloc(48);
    EXPECT_DEATH(tarn_pool_free(pool, foreign), "^tarn: pointer never handed out: ");
    free(foreign);
}
TEST_F(MisuseDeathTest, IntoAnObject) {
    EXPECT_DEATH(tarn_pool_free(pool, static_cast<char*>(object) + 16),
                 "^tarn: pointer into an object: 0x[0-9a-f]+, into one of a pool of objects of 48 bytes\n$");
}
TEST_F(MisuseDeathTest, NotYetCarved) {
    tarn_pool* large = tarn_pool_create(48, 16, TARN_POOL_CHECKED);
    ASSERT_EQ(tarn_pool_reserve(large, 1000), 0);
    auto* first = static_cast<char*>(tarn_pool_allocate(large));
    EXPECT_DEATH(tarn_pool_free(large, first + 500 * 48), "^tarn: pointer never handed out: ");
    tarn_pool_destroy(large);
}
// An object that was carved ahead and never allocated.
TEST_F(MisuseDeathTest, NeverAllocated) {
    EXPECT_DEATH(tarn_pool_free(pool, static_cast<char*>(object) + 48), "^tarn: double free: ");
}
// Nothing is checked, and nothing asked for, by a pool without the option.
TEST(Misuse2, IsNotLookedForOtherwise) {
    tarn_pool* pool = tarn_pool_create(48, 16, 0);
    if (tarn_pool_enter(pool)->owner == 0) GTEST_SKIP() << "all pools of this tarn are checked";
    void* object = tarn_pool_allocate(pool);
    tarn_pool_free(pool, object);
    tarn_pool_free(pool, object);
    EXPECT_EQ(tarn_pool_allocate(pool), object);
    EXPECT_EQ(tarn_pool_allocate(pool), object);
    tarn_pool_destroy(pool);
}

// What the pool should hold: each object with the byte that fills it.
class Model {
  public:
    Model(size_t size, size_t alignment, unsigned options, unsigned seed)
        : size_(size),
          alignment_(alignment),
          pool_(tarn_pool_create(size, alignment, options)),
          random_(seed) {}
    ~Model() { tarn_pool_destroy(pool_); }
    void run(int steps) {
        for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i)
            step(i);
        while (!held_.empty())
            drop();
        const PoolStats stats = now();
        EXPECT_EQ(tarn_pool_trim(pool_), stats.chunk_bytes);
        EXPECT_EQ(now().chunks, 0u);
    }

  private:
    struct Held {
        unsigned char* at;
        unsigned char pattern;
    };
    void step(int i) {
        // Grows and shrinks in waves, so that stacks run empty and full.
        const unsigned growing = i / 3000 % 2 == 0 ? 70 : 30;
        if (random_() % 100 < growing)
            keep();
        else if (!held_.empty())
            drop();
        if (random_() % 1000 == 0) rarely();
    }
    void keep() {
        auto* at = static_cast<unsigned char*>(tarn_pool_allocate(pool_));
        ASSERT_NE(at, nullptr);
        ASSERT_EQ(reinterpret_cast<uintptr_t>(at) % alignment_, 0u);
        ASSERT_TRUE(addresses_.insert(at).second) << "handed out twice";
        const auto pattern = static_cast<unsigned char>(random_());
        memset(at, pattern, size_);
        held_.push_back({at, pattern});
        ++allocations_;
    }
    void drop() {
        std::swap(held_[random_() % held_.size()], held_.back());
        const Held held = held_.back();
        held_.pop_back();
        for (size_t i = 0; i < size_; ++i)
            ASSERT_EQ(held.at[i], held.pattern);
        addresses_.erase(held.at);
        tarn_pool_free(pool_, held.at);
    }
    void rarely() {
        switch (random_() % 4) {
            case 0:
                tarn_pool_trim(pool_);
                break;
            case 1:
                tarn_pool_flush(pool_);
                break;
            case 2:
                ASSERT_EQ(tarn_pool_reserve(pool_, random_() % 500), 0);
                break;
            default: {
                const PoolStats stats = now();
                ASSERT_EQ(stats.live_objects, held_.size());
                ASSERT_EQ(stats.allocations, allocations_);
            }
        }
    }
    PoolStats now() {
        PoolStats stats;
        tarn_pool_stats_get(pool_, &stats, sizeof stats);
        return stats;
    }

    const size_t size_, alignment_;
    tarn_pool* const pool_;
    std::mt19937 random_;
    std::vector<Held> held_;
    std::set<void*> addresses_;
    uint64_t allocations_ = 0;
};

TEST(Model, RandomSteps) {
    const unsigned seed = std::random_device{}();
    std::printf("seed %u\n", seed);
    Model(48, 16, 0, seed).run(30000);
    Model(1, 1, 0, seed + 1).run(30000);
    Model(9, 1, 0, seed + 2).run(30000);
    Model(3000, 8, 0, seed + 3).run(20000);
    Model(200, 4096, 0, seed + 4).run(10000);
    Model(48, 16, TARN_POOL_CHECKED, seed + 5).run(30000);
    Model(24, 8, TARN_POOL_CHECKED, seed + 6).run(30000);
}

}  // namespace
}  // namespace tarn
