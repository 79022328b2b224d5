// SPDX-License-Identifier: MIT
// buffer.hpp: the array against std::vector as its model, the allocator and the resource in containers.
#include "tarn/buffer.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <memory_resource>
#include <numeric>
#include <random>
#include <ranges>
#include <string>
#include <vector>

namespace {

using tarn::AlignedAllocator;
using tarn::AlignedBuffer;
using tarn::AlignedResource;
using tarn::BufferPages;

static_assert(std::ranges::contiguous_range<AlignedBuffer<int>>);
static_assert(std::is_nothrow_move_constructible_v<AlignedBuffer<int>>);
static_assert(!std::is_copy_constructible_v<AlignedBuffer<int>>);

struct Triple {
    float x = 1, y = 2, z = 3;
    bool operator==(const Triple&) const = default;
};
struct Wide {
    std::array<std::uint64_t, 20> words;
    bool operator==(const Wide&) const = default;
};

template <typename T, std::size_t Alignment>
void expect_sound(const AlignedBuffer<T, Alignment>& buffer) {
    ASSERT_LE(buffer.size(), buffer.capacity());
    if (buffer.capacity() == 0) return;
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % Alignment, 0u);
    const auto* end = reinterpret_cast<const unsigned char*>(buffer.data() + buffer.size());
    ASSERT_TRUE(std::all_of(end, end + 64, [](unsigned char byte) { return byte == 0; }));
}

template <typename T>
T make(std::uint64_t i) {
    if constexpr (std::is_arithmetic_v<T>)
        return static_cast<T>(i * 2654435761u + 1);
    else if constexpr (std::is_same_v<T, Triple>)
        return {static_cast<float>(i % 1000), 5, 6};
    else
        return {{i + 1, i, i ^ 7}};
}

// Each step of a random walk is done to a buffer and to a vector, which must stay equal.
template <typename T, std::size_t Alignment>
void walk(unsigned seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    AlignedBuffer<T, Alignment> buffer, other;
    std::vector<T> model, other_model;
    for (int step = 0; step < 1500; ++step) {
        const std::size_t some = random() % (std::size_t{1} << random() % 14);
        switch (random() % 11) {
            case 0:
            case 1:
                for (std::size_t i = 0; i < some % 500; ++i) {
                    const T element = make<T>(random());
                    buffer.push_back(element);
                    model.push_back(element);
                }
                break;
            case 2:
                buffer.resize(some);
                model.resize(some);
                break;
            case 3: {
                std::vector<T> more(some % 3000);
                for (T& element : more)
                    element = make<T>(random());
                buffer.append(std::span<const T>(more));
                model.insert(model.end(), more.begin(), more.end());
                break;
            }
            case 4: {  // its own contents
                if (model.empty() || model.size() > 50000) break;
                const std::size_t from = random() % model.size(),
                                  count = random() % (model.size() - from + 1);
                buffer.append(std::as_const(buffer).span().subspan(from, count));
                const std::vector<T> copy(model.begin() + static_cast<std::ptrdiff_t>(from),
                                          model.begin() + static_cast<std::ptrdiff_t>(from + count));
                model.insert(model.end(), copy.begin(), copy.end());
                break;
            }
            case 5:
                buffer.truncate(some);
                model.resize(std::min(model.size(), some));
                break;
            case 6:
                buffer.shrink_to_fit();
                break;
            case 7:
                buffer.reserve(some);
                ASSERT_GE(buffer.capacity(), some);
                break;
            case 8:
                swap(buffer, other);
                model.swap(other_model);
                break;
            case 9:
                if (!model.empty()) buffer.pop_back(), model.pop_back();
                if (!model.empty()) buffer.push_back(buffer.front()), model.push_back(T(model.front()));
                break;
            default: {
                const std::span<T> room = buffer.extend(some % 100);
                for (T& element : room)
                    model.push_back(element = make<T>(random()));
                break;
            }
        }
        ASSERT_NO_FATAL_FAILURE(expect_sound(buffer));
        ASSERT_TRUE(std::ranges::equal(buffer, model)) << "step " << step;
    }
}

TEST(AlignedBuffer, IsLikeAVector) {
    const unsigned seed = std::random_device()();
    walk<std::uint8_t, 64>(seed);
    walk<char, 4096>(seed + 1);
    walk<float, 32>(seed + 2);
    walk<std::uint64_t, 8>(seed + 3);
    walk<Triple, 16>(seed + 4);
    walk<Wide, 128>(seed + 5);
}

TEST(AlignedBuffer, NewElementsAreValueInitialised) {
    AlignedBuffer<Triple> triples(100);
    for (const Triple& triple : triples)
        EXPECT_EQ(triple, Triple());
    triples.resize_uninitialized(10);
    triples.resize(50);
    EXPECT_EQ(triples.back(), Triple());
    AlignedBuffer<int> numbers(1000);
    EXPECT_EQ(std::accumulate(numbers.begin(), numbers.end(), 0), 0);
    EXPECT_TRUE(AlignedBuffer<int>().empty());
    EXPECT_EQ(AlignedBuffer<int>(std::size_t{0}).data(), nullptr);
}

TEST(AlignedBuffer, MovesAndLetsGo) {
    const std::vector<int> some{1, 2, 3};
    AlignedBuffer<int> one{std::span<const int>(some)};
    const int* data = one.data();
    AlignedBuffer<int> other(std::move(one));
    EXPECT_EQ(other.data(), data);
    EXPECT_TRUE(one.empty());  // NOLINT: moved from, and empty
    AlignedBuffer<int> copy = other.clone();
    EXPECT_NE(copy.data(), data);
    EXPECT_EQ(copy, other);
    copy = std::move(other);
    EXPECT_EQ(copy.data(), data);
    AlignedBuffer<int>& same = copy;
    copy = std::move(same);
    ASSERT_EQ(copy.size(), 3u);
    int* memory = copy.release();
    EXPECT_EQ(memory, data);
    EXPECT_EQ(copy.size() + copy.capacity(), 0u);
    EXPECT_EQ(memory[2], 3);
    std::free(memory);
}

TEST(AlignedBuffer, HoldsText) {
    AlignedBuffer<char> text;
    for (int i = 0; i < 1000; ++i)
        text.append("line\n");
    EXPECT_EQ(text.view().size(), 5000u);
    EXPECT_EQ(text.view().substr(4990), "line\nline\n");
    EXPECT_STREQ(text.data() + 4995, "line\n");  // the padding terminates it
}

TEST(AlignedBuffer, ThrowsWhereThereIsNoMemory) {
    constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
    AlignedBuffer<double> numbers(100);
    numbers[99] = 7;
    for (const std::size_t size : {kMost, kMost / 8, kMost / 8 + 1, kMost / 2 + 2, std::size_t{1} << 58}) {
        EXPECT_THROW(numbers.resize(size), std::bad_alloc);
        EXPECT_THROW(numbers.reserve(size), std::bad_alloc);
        EXPECT_THROW(numbers.resize_uninitialized(size), std::bad_alloc);
        EXPECT_THROW((void)numbers.extend(size), std::bad_alloc);
        EXPECT_THROW(AlignedBuffer<double>{size}, std::bad_alloc);
        ASSERT_EQ(numbers.size(), 100u);
        ASSERT_EQ(numbers[99], 7);
    }
    expect_sound(numbers);
}

TEST(AlignedBuffer, TakesHugePages) {
    AlignedBuffer<float, 4096> numbers(BufferPages::kHuge);
    for (std::size_t i = 0; i < std::size_t{6} << 20; ++i)
        numbers.push_back(static_cast<float>(i % 1000));
    for (std::size_t i = 0; i < numbers.size(); ++i)
        ASSERT_EQ(numbers[i], static_cast<float>(i % 1000));
    expect_sound(numbers);
}

// All that is said to be there can be written, to the last byte of the padding, beside others of its size.
TEST(BufferMemory, IsAsLargeAsItSays) {
    for (std::size_t alignment = 1; alignment <= TARN_BUFFER_ALIGNMENT_MAX; alignment *= 2)
        for (const std::size_t size : {0, 1, 63, 64, 200, 1000, 5000, 16000, 32640, 32704, 32705, 100000}) {
            unsigned char* memory[4];
            std::size_t capacity[4];
            for (std::size_t i = 0; i < 4; ++i) {
                std::size_t half = capacity[i] = size;
                half /= 2;
                void* const first = tarn_buffer_memory_resize(nullptr, alignment, 0, &half, 0);
                memory[i] = static_cast<unsigned char*>(
                    tarn_buffer_memory_resize(first, alignment, half, &capacity[i], 0));
                ASSERT_TRUE(memory[i] && capacity[i] >= size);
                EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory[i]) % alignment, 0u);
                std::memset(memory[i], static_cast<int>(i + 1), capacity[i] + TARN_BUFFER_PADDING);
            }
            for (std::size_t i = 0; i < 4; ++i) {
                for (std::size_t at = 0; at < capacity[i] + TARN_BUFFER_PADDING; ++at)
                    ASSERT_EQ(memory[i][at], i + 1) << alignment << ' ' << size;
                tarn_buffer_memory_free(memory[i]);
            }
        }
}

TEST(AlignedAllocator, ServesContainers) {
    std::vector<float, AlignedAllocator<float, 256>> numbers;
    for (int i = 0; i < 100000; ++i) {
        numbers.push_back(static_cast<float>(i));
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(numbers.data()) % 256, 0u);
    }
    EXPECT_EQ(numbers[4711], 4711);
    std::map<int, int, std::less<>, AlignedAllocator<std::pair<const int, int>>> map;
    for (int i = 0; i < 1000; ++i)
        map[i * 37 % 1000] = i;
    EXPECT_EQ(map.size(), 1000u);
    EXPECT_TRUE((AlignedAllocator<int, 64>() == AlignedAllocator<char, 64>()));
    AlignedAllocator<double> allocator;
    EXPECT_THROW((void)allocator.allocate(std::numeric_limits<std::size_t>::max() / 4),
                 std::bad_array_new_length);
    EXPECT_THROW((void)allocator.allocate(std::size_t{1} << 59), std::bad_alloc);
}

TEST(AlignedResource, ServesContainers) {
    AlignedResource resource(512), other;
    std::pmr::vector<char> bytes(&resource);
    for (int i = 0; i < 70000; ++i) {
        bytes.push_back('x');
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % 512, 0u);
    }
    EXPECT_EQ(resource.alignment(), 512u);
    EXPECT_EQ(resource, other);
    EXPECT_NE(resource, *std::pmr::new_delete_resource());
    void* memory = other.allocate(10, 2048);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 2048, 0u);
    other.deallocate(memory, 10, 2048);
    EXPECT_THROW((void)other.allocate(std::numeric_limits<std::size_t>::max() - 10), std::bad_alloc);
}

}  // namespace
