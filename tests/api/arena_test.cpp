// SPDX-License-Identifier: MIT
// Arenas in C++: objects, destructors, scopes, allocators; and everything at random against a simple model.
#include "tarn/arena.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <list>
#include <map>
#include <memory_resource>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tarn/statistics.h"

namespace {

// Says when it goes.
struct Witness {
    std::string* trace;
    std::string name;
    Witness(std::string* to, std::string called) : trace(to), name(std::move(called)) {}
    ~Witness() { *trace += name; }
};

struct Plain {
    int a, b;
};

// A wrong argument is found where make is called, not inside of the header.
template <class T, class... Arguments>
concept Makes = requires(const tarn::ArenaRef arena, Arguments... arguments) {
    arena.make<T>(arguments...);
};
struct Endless {  // the arena's destructors are skipped
    int value;
    Endless(const Endless&) = delete;
    explicit Endless(int v) : value(v) {}

  private:
    ~Endless() = default;
};
static_assert(Makes<Plain> && Makes<Plain, int, int> && !Makes<Plain, int, int, int>);
static_assert(Makes<Witness, std::string*, std::string> && !Makes<Witness> && !Makes<Plain, const char*>);
static_assert(Makes<std::string, const char*> && !Makes<std::string, Plain>);
template <class T>
concept MakesArrays = requires(const tarn::ArenaRef arena) {
    arena.make_array<T>(1);
};
static_assert(MakesArrays<Plain> && !MakesArrays<Witness>);

TEST(Arena, MakesWhatHasNoDestructorToCall) {
    tarn::Arena arena;
    EXPECT_EQ((arena.make<Endless, tarn::Destructor::kSkip>(7)->value), 7);
}

TEST(Arena, MakesObjects) {
    tarn::Arena arena;
    Plain* plain = arena.make<Plain>(1, 2);
    EXPECT_EQ(plain->a + plain->b, 3);
    EXPECT_EQ(arena.statistics().cleanups, 0u);
    EXPECT_EQ(arena.statistics().used, sizeof(Plain));  // a trivial destructor costs nothing
    struct alignas(256) Wide {
        char bytes[256];
    };
    EXPECT_EQ(reinterpret_cast<uintptr_t>(arena.make<Wide>()) % 256, 0u);
}

TEST(Arena, RunsDestructorsNewestFirst) {
    std::string trace;
    {
        tarn::Arena arena;
        arena.make<Witness>(&trace, "a");
        arena.make<Witness, tarn::Destructor::kSkip>(&trace, "never");
        {
            tarn::ArenaScope scope(arena);
            arena.make<Witness>(&trace, "b");
            arena.make<Witness>(&trace, "c");
        }
        EXPECT_EQ(trace, "cb");
        arena.make<Witness>(&trace, "d");
        {
            const Witness pair[] = {{&trace, "x"}, {&trace, "y"}};
            arena.copy(std::span(pair));
        }
        trace.clear();
        arena.reset();
        EXPECT_EQ(trace, "yxda");
        trace.clear();
        arena.make<Witness>(&trace, "e");
    }
    EXPECT_EQ(trace, "e");
}

}  // namespace

struct Skipped : Witness {
    using Witness::Witness;
};
template <>
struct tarn::ArenaTraits<Skipped> {
    static constexpr Destructor kDestructor = Destructor::kSkip;
};

namespace {

TEST(Arena, TraitsDecideAboutDestructors) {
    std::string trace;
    {
        tarn::Arena arena;
        arena.make<Skipped>(&trace, "a");
        arena.make<Skipped, tarn::Destructor::kRun>(&trace, "b");
    }
    EXPECT_EQ(trace, "b");
}

struct Throws {
    static inline int live = 0, until = 0;
    std::string text = "more than fits a small string of libstdc++";
    Throws() { count(); }
    Throws(const Throws&) { count(); }
    ~Throws() { --live; }

  private:
    static void count() {
        if (until-- == 0) throw std::runtime_error("now");
        ++live;
    }
};

TEST(Arena, AConstructorMayThrow) {
    tarn::Arena arena;
    for (int n = 0; n < 5; ++n) {
        Throws::until = n;
        EXPECT_THROW(arena.make_array<Throws>(5), std::runtime_error);
        EXPECT_EQ(Throws::live, 0);
    }
    Throws::until = 0;
    EXPECT_THROW(arena.make<Throws>(), std::runtime_error);
    EXPECT_EQ(arena.statistics().cleanups, 0u);
    Throws::until = 1000;
    const Throws some[3];
    arena.copy(std::span(some));
    EXPECT_EQ(arena.make_array<Throws>(4).size(), 4u);
    EXPECT_EQ(Throws::live, 10);
    arena.reset();
    EXPECT_EQ(Throws::live, 3);
}

TEST(Arena, TextsAndArrays) {
    tarn::Arena arena(512, 512);
    const std::string_view text = arena.string(std::string("hello"));
    EXPECT_EQ(text, "hello");
    EXPECT_EQ(text.data()[5], 0);
    EXPECT_EQ(arena.string({}), "");
    EXPECT_EQ(arena.format("%d-%s", 7, "x"), "7-x");
    for (int number : arena.make_array<int>(1000))
        ASSERT_EQ(number, 0);
    const std::vector<int> numbers = {1, 2, 3};
    std::span<int> copy = arena.copy(std::span(numbers));
    EXPECT_TRUE(std::equal(copy.begin(), copy.end(), numbers.begin()));
    EXPECT_EQ(arena.make_array<Throws>(0).size(), 0u);
    copy = arena.copy(std::span(numbers));
    EXPECT_TRUE(arena.extend(copy, 4));
    EXPECT_FALSE(arena.extend(copy, SIZE_MAX / 2));
    copy = arena.resize(copy, 5000);
    EXPECT_EQ(copy[2], 3);
}

TEST(Arena, OutOfMemoryThrows) {
    tarn::Arena arena;
    EXPECT_THROW((void)arena.allocate(SIZE_MAX), std::bad_alloc);
    EXPECT_THROW((void)arena.allocate(1, 3), std::bad_alloc);
    EXPECT_EQ(arena.try_allocate(SIZE_MAX / 2), nullptr);
    EXPECT_THROW(arena.make_array<int>(SIZE_MAX / 4 + 2), std::bad_alloc);
    EXPECT_THROW(arena.make_array<Throws>(SIZE_MAX / sizeof(Throws) + 2), std::bad_alloc);
    EXPECT_THROW(arena.resize(arena.make_array<int>(2), SIZE_MAX / 4 + 2), std::bad_alloc);
    EXPECT_THROW(tarn::Arena(8192, 4096), std::bad_alloc);
    EXPECT_EQ(arena.statistics().used, 8u);
}

TEST(Arena, MovesOwnership) {
    tarn::Arena a;
    const std::string_view text = a.string("text");
    tarn::Arena b(std::move(a));
    EXPECT_EQ(text, "text");
    tarn::Arena c;
    c = std::move(b);
    EXPECT_EQ(c.statistics().used, 8u);
    EXPECT_EQ(text, "text");
}

TEST(Arena, ServesContainers) {
    tarn::Arena arena;
    tarn::ArenaResource resource(arena), same(arena), other{tarn::ArenaRef(nullptr)};
    EXPECT_TRUE(resource == same);
    EXPECT_FALSE(resource == other);
    EXPECT_FALSE(resource == *std::pmr::new_delete_resource());
    std::pmr::map<int, std::pmr::string> map(&resource);
    for (int i = 0; i < 1000; ++i)
        map[i] = std::string(static_cast<size_t>(i % 50), 'x');
    for (int i = 0; i < 1000; ++i)
        ASSERT_EQ(map[i].size(), static_cast<size_t>(i % 50));

    std::vector<int, tarn::ArenaAllocator<int>> numbers{tarn::ArenaAllocator<int>(arena)};
    for (int i = 0; i < 10000; ++i)
        numbers.push_back(i);
    EXPECT_EQ(std::accumulate(numbers.begin(), numbers.end(), 0), 49995000);
    std::list<int, tarn::ArenaAllocator<int>> list(numbers.begin(), numbers.end(), arena);
    EXPECT_EQ(list.back(), 9999);
    EXPECT_TRUE(list.get_allocator() == numbers.get_allocator());
    EXPECT_THROW((void)numbers.get_allocator().allocate(SIZE_MAX / 2), std::bad_array_new_length);
    auto moved = std::move(numbers);
    EXPECT_EQ(moved.size(), 10000u);
}

TEST(Arena, TheLastBlockOfAResourceComesBack) {
    tarn::Arena arena;
    tarn::ArenaResource resource(arena);
    void* first = resource.allocate(100, 8);
    resource.deallocate(first, 100, 8);
    EXPECT_EQ(arena.statistics().used, 0u);
    EXPECT_EQ(resource.allocate(100, 8), first);
    EXPECT_NE(resource.allocate(8, 8), nullptr);
    resource.deallocate(first, 100, 8);
    EXPECT_EQ(arena.statistics().used, 112u);
}

// Objects are filled with a pattern; a model knows what must be where, and how much of it each mark ends.
class Model {
  public:
    explicit Model(uint64_t seed) : random_(seed), arena_(pick(0, 1) * 700, pick(0, 1) * 20000) {}

    void step() {
        const size_t what = pick(0, 99);
        if (what < 70) {
            allocate();
        } else if (what < 80) {
            resize();
        } else if (what < 88) {
            marks_.push_back({arena_.mark(), objects_.size(), registered_});
        } else if (what < 94) {
            arena_.on_rewind([](void* model) { --static_cast<Model*>(model)->registered_; }, this);
            ++registered_;
        } else if (what < 98) {
            rewind();
        } else {
            objects_.clear();
            marks_.clear();
            arena_.reset();
            EXPECT_EQ(registered_, 0u);
            arena_.name("random");
            if (pick(0, 3) == 0) arena_.trim();
        }
    }
    void check() {
        size_t bytes = 0;
        for (const Object& object : objects_) {
            bytes += object.size;
            for (size_t i = 0; i < object.size; ++i)
                ASSERT_EQ(object.at[i], object.pattern);
        }
        const tarn_arena_stats stats = arena_.statistics();
        EXPECT_EQ(stats.used + stats.wasted + stats.left, stats.capacity);
        EXPECT_GE(stats.used, bytes);
        EXPECT_EQ(stats.cleanups, registered_);
    }

  private:
    struct Object {
        unsigned char* at;
        size_t size;
        unsigned char pattern;
    };
    struct Marked {
        tarn::ArenaRef::Mark mark;
        size_t objects;
        size_t registered;
    };

    size_t pick(size_t least, size_t most) {
        return std::uniform_int_distribution<size_t>(least, most)(random_);
    }
    size_t size() {
        return pick(0, 30) == 0 ? pick(0, 30000) : pick(0, 5) == 0 ? pick(0, 1500) : pick(0, 64);
    }
    void allocate() {
        const size_t bytes = size(), alignment = size_t{1} << (pick(0, 9) == 0 ? pick(0, 12) : pick(0, 4));
        auto* at = static_cast<unsigned char*>(arena_.allocate(bytes, alignment));
        ASSERT_EQ(reinterpret_cast<uintptr_t>(at) % alignment, 0u);
        add(at, bytes);
    }
    void add(unsigned char* at, size_t bytes) {
        objects_.push_back({at, bytes, static_cast<unsigned char>(pick(1, 255))});
        memset(at, objects_.back().pattern, bytes);
    }
    // One of the last few that is younger than every mark.
    void resize() {
        const size_t first = marks_.empty() ? 0 : marks_.back().objects;
        if (first == objects_.size()) return;
        Object& object =
            objects_[objects_.size() - 1 - pick(0, std::min<size_t>(3, objects_.size() - first - 1))];
        const size_t bytes = size(), kept = std::min(bytes, object.size);
        object.at = arena_.resize(std::span(object.at, object.size), bytes).data();
        for (size_t i = 0; i < kept; ++i)
            ASSERT_EQ(object.at[i], object.pattern);
        memset(object.at, object.pattern, bytes);
        object.size = bytes;
    }
    void rewind() {
        if (marks_.empty()) return;
        const size_t back = std::min(marks_.size() - 1, pick(0, 2));
        const Marked marked = marks_[marks_.size() - 1 - back];
        marks_.resize(marks_.size() - back);  // this one stays good
        objects_.resize(marked.objects);
        arena_.rewind(marked.mark);
        EXPECT_EQ(registered_, marked.registered);
    }

    std::mt19937_64 random_;
    tarn::Arena arena_;
    std::vector<Object> objects_;
    std::vector<Marked> marks_;
    size_t registered_ = 0;
};

TEST(Arena, AtRandom) {
    const uint64_t start = std::random_device()();
    for (uint64_t seed = start; seed < start + 30; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Model model(seed);
        for (int i = 0; i < 2000; ++i) {
            model.step();
            if (i % 50 == 0) model.check();
            if (::testing::Test::HasFailure()) return;
        }
        model.check();
    }
}

}  // namespace
