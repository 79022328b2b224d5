// SPDX-License-Identifier: MIT
// What the compiler is given to do: containers, templates, regular expressions.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N>
struct Tower {
    std::map<std::string, std::vector<int>> level;
    Tower<N - 1> rest;
    int total(const std::string& key) const {
        int sum = rest.total(key);
        if (auto found = level.find(key); found != level.end())
            for (int value : found->second)
                sum += value * N;
        return sum;
    }
};
template <>
struct Tower<0> {
    int total(const std::string&) const { return 0; }
};

int tower(const std::string& key) {
    return Tower<60>{}.total(key);
}

using Value = std::variant<int, double, std::string, std::vector<int>>;

std::string shown(const Value& value) {
    return std::visit(
        [](const auto& held) -> std::string {
            if constexpr (std::is_arithmetic_v<std::decay_t<decltype(held)>>)
                return std::to_string(held);
            else
                return std::string(held.begin(), held.end());
        },
        value);
}

std::unordered_map<std::string, std::function<int(int)>> table(int base) {
    return {{"add", [base](int x) { return base + x; }}, {"scale", [base](int x) { return base * x; }}};
}

std::vector<std::shared_ptr<std::string>> sorted(std::vector<std::shared_ptr<std::string>> all) {
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return *a < *b; });
    return all;
}
