// SPDX-License-Identifier: MIT
//
// The scanner of scan.h in C++20: sets known at compile time, functions of std::string_view, ranges of lines
// and fields, a hash for unordered containers. Positions are counted from the start; text.size() says "none".
// As in scan.h, nothing here allocates, and everything may be used by any threads at once.
#pragma once
#include <cstddef>
#include <cstdint>

#include <algorithm>
#include <compare>
#include <functional>
#include <iterator>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>

#include "tarn/buffer.hpp"
#include "tarn/scan.h"

namespace tarn {

// A set of bytes; constexpr, so that a set of constants costs nothing when the program starts.
// Example:
//     constexpr tarn::ByteSet kEnds = " =;";
//     const std::string_view text = "name = rope;";
//     const std::string_view name = text.substr(0, tarn::find_any(text, kEnds));  // "name"
class ByteSet {
  public:
    constexpr ByteSet() = default;
    constexpr ByteSet(std::string_view bytes) {
        for (const char byte : bytes)
            insert(byte);
    }
    constexpr ByteSet(const char* bytes) : ByteSet(std::string_view(bytes)) {}
    constexpr void insert(char byte) {
        auto& row = set_.rows[row_of(byte)];
        row = static_cast<std::uint8_t>(row | bit_of(byte));
    }
    [[nodiscard]] constexpr bool contains(char byte) const { return set_.rows[row_of(byte)] & bit_of(byte); }
    friend constexpr ByteSet operator|(ByteSet one, const ByteSet& other) {
        for (std::size_t i = 0; i < sizeof one.set_.rows; ++i)
            one.set_.rows[i] = static_cast<std::uint8_t>(one.set_.rows[i] | other.set_.rows[i]);
        return one;
    }
    friend constexpr ByteSet operator~(ByteSet set) {
        for (auto& row : set.set_.rows)
            row = static_cast<std::uint8_t>(~row);
        return set;
    }
    friend constexpr bool operator==(const ByteSet& one, const ByteSet& other) {
        return std::ranges::equal(one.set_.rows, other.set_.rows);
    }
    [[nodiscard]] const tarn_byte_set* get() const { return &set_; }

  private:
    static constexpr std::size_t row_of(char byte) {
        const auto value = static_cast<unsigned char>(byte);
        return (value & 15u) | ((value & 128u) >> 3);
    }
    static constexpr unsigned bit_of(char byte) {
        return 1u << ((static_cast<unsigned char>(byte) >> 4) & 7);
    }

    tarn_byte_set set_ = {};
};

// A text behind whose end TARN_SCAN_PADDING bytes may be read, with which short searches are faster.
class PaddedText {
  public:
    // The contents of a buffer have the padding, from any position up to the end.
    template <typename T, std::size_t Alignment>
    requires(sizeof(T) == 1) explicit PaddedText(const AlignedBuffer<T, Alignment>& buffer)
        : text_(buffer.view()) {}
    // The caller promises the padding.
    [[nodiscard]] static PaddedText promised(std::string_view text) { return PaddedText(text, 0); }
    [[nodiscard]] PaddedText from(std::size_t position) const { return promised(text_.substr(position)); }
    [[nodiscard]] std::string_view view() const { return text_; }
    [[nodiscard]] std::size_t size() const { return text_.size(); }

  private:
    PaddedText(std::string_view text, int) : text_(text) {}

    std::string_view text_;
};

[[nodiscard]] inline std::size_t find_byte(std::string_view text, char byte) {
    return tarn_find_byte(text.data(), text.size(), static_cast<unsigned char>(byte));
}
[[nodiscard]] inline std::size_t find_byte(PaddedText text, char byte) {
    return tarn_find_byte_padded(text.view().data(), text.size(), static_cast<unsigned char>(byte));
}
[[nodiscard]] inline std::size_t find_any(std::string_view text, const ByteSet& set) {
    return tarn_find_any(text.data(), text.size(), set.get());
}
[[nodiscard]] inline std::size_t find_any(PaddedText text, const ByteSet& set) {
    return tarn_find_any_padded(text.view().data(), text.size(), set.get());
}
[[nodiscard]] inline std::size_t find_not(std::string_view text, const ByteSet& set) {
    return tarn_find_not(text.data(), text.size(), set.get());
}
[[nodiscard]] inline std::size_t find_not(PaddedText text, const ByteSet& set) {
    return tarn_find_not_padded(text.view().data(), text.size(), set.get());
}
// As tarn_mark_any; `marks` has room for (text.size() + 63) / 64 numbers.
inline void mark_any(std::string_view text, const ByteSet& set, std::span<std::uint64_t> marks) {
    tarn_mark_any(text.data(), text.size(), set.get(), marks.data());
}
[[nodiscard]] inline std::size_t find_newline(std::string_view text) {
    return find_byte(text, '\n');
}
[[nodiscard]] inline std::size_t count_byte(std::string_view text, char byte) {
    return tarn_count_byte(text.data(), text.size(), static_cast<unsigned char>(byte));
}
[[nodiscard]] inline std::size_t count_newlines(std::string_view text) {
    return count_byte(text, '\n');
}
// The text behind the blanks at its start; `blanks` is a sum of tarn_blanks.
[[nodiscard]] inline std::string_view skip_blanks(std::string_view text, unsigned blanks = TARN_BLANKS) {
    return text.substr(tarn_skip_blanks(text.data(), text.size(), blanks));
}
// The first position at which they differ; the size of the shorter one when that begins the longer one.
[[nodiscard]] inline std::size_t mismatch(std::string_view one, std::string_view other) {
    return tarn_mismatch(one.data(), other.data(), std::min(one.size(), other.size()));
}
[[nodiscard]] inline bool equal(std::string_view one, std::string_view other) {
    return one.size() == other.size() && tarn_equal(one.data(), other.data(), one.size());
}
[[nodiscard]] inline std::strong_ordering compare(std::string_view one, std::string_view other) {
    return tarn_compare(one.data(), one.size(), other.data(), other.size()) <=> 0;
}
[[nodiscard]] inline std::uint64_t hash(std::string_view text, std::uint64_t seed = 0) {
    return tarn_hash(text.data(), text.size(), seed);
}
[[nodiscard]] inline std::uint64_t hash(std::span<const std::byte> bytes, std::uint64_t seed = 0) {
    return tarn_hash(bytes.data(), bytes.size(), seed);
}

// For std::unordered_map<std::string, ..., Hash, std::equal_to<>>, which then also finds a std::string_view.
// See tarn_hash for keys that come from strangers.
struct Hash {
    using is_transparent = void;
    std::uint64_t seed = 0;
    [[nodiscard]] std::size_t operator()(std::string_view text) const { return hash(text, seed); }
};

// The pieces of a text between the bytes of a set, empty ones too: one more than there are such bytes. A
// range of std::string_view; the text must outlive it. Each step reads its piece once.
class Fields : public std::ranges::view_base {
  public:
    class iterator {
      public:
        using value_type = std::string_view;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::forward_iterator_tag;

        iterator() = default;
        std::string_view operator*() const { return rest_.substr(0, length_); }
        iterator& operator++() {
            last_ = length_ == rest_.size();
            if (!last_) *this = iterator(rest_.substr(length_ + 1), set_);
            return *this;
        }
        iterator operator++(int) {
            iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const iterator& one, const iterator& other) {
            return one.rest_.data() == other.rest_.data() && one.last_ == other.last_;
        }
        friend bool operator==(const iterator& at, std::default_sentinel_t) { return at.last_; }

      private:
        friend Fields;
        iterator(std::string_view rest, const ByteSet& set)
            : rest_(rest), set_(set), length_(find_any(rest, set)), last_(false) {}

        std::string_view rest_;
        ByteSet set_;
        std::size_t length_ = 0;
        bool last_ = true;
    };

    Fields() = default;
    Fields(std::string_view text, const ByteSet& separators) : text_(text), set_(separators) {}
    [[nodiscard]] iterator begin() const { return {text_, set_}; }
    [[nodiscard]] std::default_sentinel_t end() const { return {}; }

  private:
    std::string_view text_;
    ByteSet set_;
};

// The lines of a text, without the line feed, or carriage return and line feed, at their end. What follows
// the last line feed is a line unless it is empty. A range of std::string_view; the text must outlive it.
// Example:
//     for (std::string_view line : tarn::Lines("one\ntwo\n"))
//         std::printf("%zu\n", line.size());
class Lines : public std::ranges::view_base {
  public:
    class iterator {
      public:
        using value_type = std::string_view;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::forward_iterator_tag;

        iterator() = default;
        std::string_view operator*() const {
            const bool carriage_return = length_ > 0 && length_ < rest_.size() && rest_[length_ - 1] == '\r';
            return rest_.substr(0, length_ - carriage_return);
        }
        iterator& operator++() {
            *this = iterator(rest_.substr(std::min(length_ + 1, rest_.size())));
            return *this;
        }
        iterator operator++(int) {
            iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const iterator& one, const iterator& other) {
            return one.rest_.size() == other.rest_.size();
        }
        friend bool operator==(const iterator& at, std::default_sentinel_t) { return at.rest_.empty(); }

      private:
        friend Lines;
        explicit iterator(std::string_view rest) : rest_(rest), length_(find_newline(rest)) {}

        std::string_view rest_;
        std::size_t length_ = 0;
    };

    Lines() = default;
    explicit Lines(std::string_view text) : text_(text) {}
    [[nodiscard]] bool empty() const { return text_.empty(); }
    [[nodiscard]] iterator begin() const { return iterator(text_); }
    [[nodiscard]] std::default_sentinel_t end() const { return {}; }

  private:
    std::string_view text_;
};

}  // namespace tarn

// Their iterators hold the text themselves.
template <>
inline constexpr bool std::ranges::enable_borrowed_range<tarn::Fields> = true;
template <>
inline constexpr bool std::ranges::enable_borrowed_range<tarn::Lines> = true;
