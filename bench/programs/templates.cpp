// SPDX-License-Identifier: MIT
// For the compiler, which is what is measured: templates that nest, and a few of the standard library's.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

template <std::size_t N>
struct Shape {
    static constexpr std::uint64_t kArea = Shape<N - 1>::kArea * 31 + N;
    template <class T>
    static T scale(T value) {
        return static_cast<T>(Shape<N - 1>::scale(value) + static_cast<T>(kArea % 7));
    }
};

template <>
struct Shape<0> {
    static constexpr std::uint64_t kArea = 1;
    template <class T>
    static T scale(T value) {
        return value;
    }
};

template <class... Parts>
struct Record {
    std::tuple<Parts...> parts;
    template <class Visit, std::size_t... Index>
    void each(Visit visit, std::index_sequence<Index...>) const {
        (visit(std::get<Index>(parts), Index), ...);
    }
    template <class Visit>
    void each(Visit visit) const {
        each(visit, std::index_sequence_for<Parts...>{});
    }
};

template <std::size_t N>
std::size_t table(std::size_t seed) {
    Record<std::string, int, std::vector<int>, std::size_t> record{
        {std::to_string(seed + N), static_cast<int>(N), std::vector<int>(N + 1), seed}};
    std::map<std::string, std::size_t> names;
    record.each(
        [&](const auto& part, std::size_t index) { names[std::to_string(sizeof part)] += index + N; });
    std::size_t sum = 0;
    for (const auto& [name, count] : names)
        sum += name.size() * count;
    return sum;
}

template <std::size_t... Index>
std::size_t tables(std::size_t seed, std::index_sequence<Index...>) {
    return (table<Index>(seed) + ... + 0);
}

std::size_t all(std::size_t seed) {
    return tables(seed, std::make_index_sequence<6>{}) + static_cast<std::size_t>(Shape<300>::scale(1.5)) +
           static_cast<std::size_t>(Shape<300>::scale(2)) + Shape<700>::kArea % 1000;
}
