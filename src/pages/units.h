// SPDX-License-Identifier: MIT
// Units: how many pieces of 16 KiB, as a type of its own, so that no number of bytes is taken for one or the other way
// round: what turns one into the other has a name. Where a unit lies is a position and a plain number, counted from
// address 0 on or from the begin of its window, as is said there.
#pragma once
#include <algorithm>
#include <compare>
#include <cstddef>

namespace tarn {

inline constexpr size_t kUnitShift = 14;
inline constexpr size_t kUnitSize = size_t{1} << kUnitShift;  // 16 KiB

// The next multiple of `step`, or the value itself when it is one.
constexpr size_t round_up(size_t value, size_t step) {
    return (value + step - 1) / step * step;
}

class Units {
  public:
    constexpr Units() = default;
    constexpr explicit Units(size_t count) : count_(count) {}
    // The fewest that hold so many bytes.
    static constexpr Units holding(size_t bytes) { return Units{(bytes + kUnitSize - 1) / kUnitSize}; }
    // The most that so many bytes hold.
    static constexpr Units within(size_t bytes) { return Units{bytes / kUnitSize}; }

    constexpr size_t count() const { return count_; }
    constexpr size_t bytes() const { return count_ * kUnitSize; }

    constexpr Units& operator+=(Units more) {
        count_ += more.count_;
        return *this;
    }
    constexpr Units& operator-=(Units less) {
        count_ -= less.count_;
        return *this;
    }

  private:
    size_t count_ = 0;
};

// Not members, so that they take PackedUnits on either side.
constexpr bool operator==(Units a, Units b) {
    return a.count() == b.count();
}
constexpr std::strong_ordering operator<=>(Units a, Units b) {
    return a.count() <=> b.count();
}
constexpr Units operator+(Units a, Units b) {
    return a += b;
}
constexpr Units operator-(Units a, Units b) {
    return a -= b;
}
constexpr Units operator*(size_t times, Units units) {
    return Units{times * units.count()};
}
constexpr Units operator/(Units units, size_t parts) {
    return Units{units.count() / parts};
}
constexpr size_t operator/(Units units, Units part) {
    return units.count() / part.count();
}
// std's choose between references, for which the compiler branches.
constexpr Units min(Units a, Units b) {
    return Units{std::min(a.count(), b.count())};
}
constexpr Units max(Units a, Units b) {
    return Units{std::max(a.count(), b.count())};
}

// The same in a few bits, for tables and records: who stores them sees to it that they fit.
template <class Count>
class PackedUnits {
  public:
    constexpr PackedUnits() = default;
    constexpr explicit PackedUnits(Units units) : count_(static_cast<Count>(units.count())) {}
    constexpr PackedUnits& operator=(Units units) { return *this = PackedUnits{units}; }

    constexpr operator Units() const { return Units{count_}; }
    constexpr size_t count() const { return count_; }
    constexpr size_t bytes() const { return Units{count_}.bytes(); }

    constexpr PackedUnits& operator+=(Units more) { return *this = *this + more; }
    constexpr PackedUnits& operator-=(Units less) { return *this = *this - less; }

  private:
    Count count_ = 0;
};

}  // namespace tarn
