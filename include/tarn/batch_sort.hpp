// SPDX-License-Identifier: MIT
// The order of a column, as the numbers of its rows: what Batch applies to all columns. Included by
// batch.hpp.
//
// Numbers in their usual order are sorted by a radix sort, least significant byte first (Knuth, The Art of
// Computer Programming 3, 5.2.5), which leaves out the bytes that are the same in all keys; other small keys
// in pairs with their row's number, so that comparisons read memory in order; the rest by numbers alone.
#pragma once
#include <algorithm>
#include <bit>
#include <concepts>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "tarn/batch_block.hpp"

namespace tarn::batch_detail {

using Order = std::unique_ptr<RowNumber[]>;

enum class Stability { kAny, kStable };

template <class T>
concept RadixKey = (std::integral<T> || std::same_as<T, float> || std::same_as<T, double>)&&sizeof(T) <= 8;
template <class C, class T>
concept Ascending =
    std::same_as<C, std::less<>> || std::same_as<C, std::less<T>> || std::same_as<C, std::ranges::less>;
template <class C, class T>
concept Descending = std::same_as<C, std::greater<>> || std::same_as<C, std::greater<T>> ||
    std::same_as<C, std::ranges::greater>;

inline constexpr std::size_t kRadixFrom = 200;  // below, counting costs more than it saves

template <class T>
using Bits = std::conditional_t<(sizeof(T) > 4), std::uint64_t, std::uint32_t>;

// Unsigned numbers in the order of the keys. -0.0 is made 0.0, to which it is equal.
template <RadixKey T>
Bits<T> radix_bits(T key) {
    using U = Bits<T>;
    constexpr U sign = U{1} << (sizeof(U) * 8 - 1);
    if constexpr (std::floating_point<T>) {
        const U bits = std::bit_cast<U>(key + T{0});
        return bits & sign ? ~bits : bits | sign;
    } else if constexpr (std::signed_integral<T>) {
        return static_cast<U>(static_cast<std::make_signed_t<U>>(key)) ^ sign;
    } else {
        return static_cast<U>(key);
    }
}

template <class K>
struct Keyed {
    K key;
    RowNumber row;
};

template <class U>
void radix_sort(std::unique_ptr<Keyed<U>[]>& rows, std::size_t count) {
    constexpr std::size_t kBytes = sizeof(U);
    std::vector<std::array<std::size_t, 256>> counts(kBytes);
    for (std::size_t i = 0; i < count; ++i)
        for (std::size_t byte = 0; byte < kBytes; ++byte)
            ++counts[byte][rows[i].key >> (8 * byte) & 255];
    auto other = std::make_unique_for_overwrite<Keyed<U>[]>(count);
    for (std::size_t byte = 0; byte < kBytes; ++byte) {
        std::array<std::size_t, 256>& at = counts[byte];
        if (at[rows[0].key >> (8 * byte) & 255] == count) continue;
        std::size_t begin = 0;
        for (std::size_t& entry : at)
            begin += std::exchange(entry, begin);
        for (std::size_t i = 0; i < count; ++i)
            other[at[rows[i].key >> (8 * byte) & 255]++] = rows[i];
        rows.swap(other);
    }
}

template <class K>
Order rows_of(const Keyed<K>* keyed, std::size_t count) {
    auto order = std::make_unique_for_overwrite<RowNumber[]>(count);
    for (std::size_t i = 0; i < count; ++i)
        order[i] = keyed[i].row;
    return order;
}

template <bool kDescending, RadixKey T>
Order radix_order(std::span<const T> keys) {
    using U = Bits<T>;
    auto keyed = std::make_unique_for_overwrite<Keyed<U>[]>(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const U bits = radix_bits(keys[i]);
        keyed[i] = {kDescending ? static_cast<U>(~bits) : bits, static_cast<RowNumber>(i)};
    }
    radix_sort(keyed, keys.size());
    return rows_of(keyed.get(), keys.size());
}

template <class I, class Compare>
void sort_range(I first, I last, Compare compare, Stability stability) {
    if (stability == Stability::kStable)
        std::stable_sort(first, last, compare);
    else
        std::sort(first, last, compare);
}

template <class T, class Compare>
Order keyed_order(std::span<const T> keys, Compare& compare, Stability stability) {
    std::vector<Keyed<T>> keyed;
    keyed.reserve(keys.size());
    for (const T& key : keys)
        keyed.push_back({key, static_cast<RowNumber>(keyed.size())});
    const auto by_key = [&](const Keyed<T>& a, const Keyed<T>& b) -> bool {
        return std::invoke(compare, a.key, b.key);
    };
    sort_range(keyed.begin(), keyed.end(), by_key, stability);
    return rows_of(keyed.data(), keys.size());
}

// order[i] is the row that comes i-th. Throws what `compare` throws, and std::bad_alloc.
template <class T, class Compare>
Order order_of(std::span<const T> keys, Compare& compare, Stability stability) {
    if constexpr (RadixKey<T> && (Ascending<Compare, T> || Descending<Compare, T>))
        if (keys.size() >= kRadixFrom) return radix_order<Descending<Compare, T>>(keys);
    if constexpr (std::is_trivially_copyable_v<T> && sizeof(T) <= 16 && alignof(T) <= 16) {
        return keyed_order(keys, compare, stability);
    } else {
        auto order = std::make_unique_for_overwrite<RowNumber[]>(keys.size());
        for (std::size_t i = 0; i < keys.size(); ++i)
            order[i] = static_cast<RowNumber>(i);
        const auto by_row = [&](RowNumber a, RowNumber b) -> bool {
            return std::invoke(compare, keys[a], keys[b]);
        };
        sort_range(order.get(), order.get() + keys.size(), by_row, stability);
        return order;
    }
}

}  // namespace tarn::batch_detail
