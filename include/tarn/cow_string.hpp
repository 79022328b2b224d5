// SPDX-License-Identifier: MIT
//
// CowString: a tarn_string (cow_string.h: what is shared and when it is copied) as a C++ class of 24 bytes.
//
// Example:
//     const tarn::CowString page("fish & chips\npeas\n");  // copies, once
//     std::vector<tarn::CowString> lines;
//     for (tarn::CowString line : page.split("\n"))            // slices of page's buffer
//         lines.push_back(line.trim().replace("&", "&amp;"));  // copies only where there is an '&'
//
// Reading goes by std::string_view, to which a CowString converts; a view, like data(), is valid until the
// string is changed, moved or destroyed. Nothing is copied from text unless a constructor, append or write
// says so. On rvalues trim, substr, lower, ... change the string itself. Errors: std::bad_alloc; the string
// is then as before. Threads: as std::shared_ptr.
#pragma once
#include <compare>
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <iterator>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <version>

#ifdef __cpp_lib_format
#include <format>
#endif

#include "tarn/cow_string.h"

namespace tarn {

template <class Piece>
class CowSplit;

class CowString {
  public:
    using value_type = char;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using const_iterator = const char*;
    using iterator = const_iterator;
    static constexpr std::size_t npos = std::string_view::npos;
    static constexpr std::size_t kShort = TARN_STRING_SHORT;  // bytes that need no memory

    CowString() = default;
    explicit CowString(std::string_view text) { check(tarn_string_copy(text.data(), text.size(), &string_)); }
    CowString(const CowString& from) noexcept { tarn_string_share(&from.string_, &string_); }
    CowString(CowString&& from) noexcept : string_(std::exchange(from.string_, tarn_string{})) {}
    CowString& operator=(const CowString& from) noexcept {
        if (this != &from) *this = CowString(from);
        return *this;
    }
    CowString& operator=(CowString&& from) noexcept {
        std::swap(string_, from.string_);
        return *this;
    }
    CowString& operator=(std::string_view text) { return *this = CowString(text); }
    ~CowString() { tarn_string_remove_sharer(tarn_string_buffer_of(&string_)); }

    // Text that stays where it is, unchanged, as long as any string made from it; _terminated: with a NUL
    // behind it.
    static CowString borrow(std::string_view text) noexcept {
        CowString result;
        tarn_string_borrow(text.data(), text.size(), &result.string_);
        return result;
    }
    static CowString borrow_terminated(const char* text) noexcept {
        CowString result;
        tarn_string_borrow_terminated(text, &result.string_);
        return result;
    }
    // Takes over a string of the C interface, and gives it up.
    static CowString adopt(tarn_string string) noexcept {
        CowString result;
        result.string_ = string;
        return result;
    }
    tarn_string release() noexcept { return std::exchange(string_, tarn_string{}); }

    std::string_view view() const noexcept { return {data(), size()}; }
    operator std::string_view() const noexcept { return view(); }
    const char* data() const noexcept { return tarn_string_text(&string_); }
    std::size_t size() const noexcept { return tarn_string_length(&string_); }
    bool empty() const noexcept { return size() == 0; }
    char operator[](std::size_t i) const noexcept { return data()[i]; }
    const_iterator begin() const noexcept { return data(); }
    const_iterator end() const noexcept { return data() + size(); }
    bool starts_with(std::string_view text) const noexcept { return view().starts_with(text); }
    bool ends_with(std::string_view text) const noexcept { return view().ends_with(text); }
    bool contains(std::string_view text) const noexcept { return find(text) != npos; }
    std::size_t find(std::string_view text, std::size_t from = 0) const noexcept {
        return view().find(text, from);
    }
    std::size_t rfind(std::string_view text, std::size_t from = npos) const noexcept {
        return view().rfind(text, from);
    }

    // How many strings have a part of the buffer; 0 for short and borrowed ones.
    std::size_t use_count() const noexcept { return tarn_string_sharers(&string_); }
    bool is_short() const noexcept { return tarn_string_is_short(&string_); }
    bool is_borrowed() const noexcept { return tarn_string_is_borrowed(&string_); }

    // As much of it as is there.
    CowString substr(std::size_t position, std::size_t length = npos) const& {
        CowString result;
        tarn_string_slice(&string_, position, length, &result.string_);
        return result;
    }
    CowString substr(std::size_t position, std::size_t length = npos) && {
        tarn_string_slice(&string_, position, length, &string_);
        return std::move(*this);
    }
    CowString trim() const& { return trimmed(TARN_STRING_BOTH); }
    CowString trim_start() const& { return trimmed(TARN_STRING_START); }
    CowString trim_end() const& { return trimmed(TARN_STRING_END); }
    CowString trim() && { return trim_here(TARN_STRING_BOTH); }
    CowString trim_start() && { return trim_here(TARN_STRING_START); }
    CowString trim_end() && { return trim_here(TARN_STRING_END); }
    // ASCII letters.
    CowString lower() const& { return changed(tarn_string_lower); }
    CowString upper() const& { return changed(tarn_string_upper); }
    CowString lower() && { return change(tarn_string_lower); }
    CowString upper() && { return change(tarn_string_upper); }
    // Each `from`, found from the left.
    CowString replace(std::string_view from, std::string_view to) const& {
        CowString result;
        check(tarn_string_replace(&string_, from.data(), from.size(), to.data(), to.size(), &result.string_));
        return result;
    }
    CowString replace(std::string_view from, std::string_view to) && {
        check(tarn_string_replace(&string_, from.data(), from.size(), to.data(), to.size(), &string_));
        return std::move(*this);
    }
    // The same text, independent of borrowed text and of buffers more than twice its size.
    CowString own() const& { return changed(tarn_string_own); }
    CowString own() && { return change(tarn_string_own); }

    // The pieces between separators (which must outlive the range), found as the range is walked; the empty
    // string has one, itself. split gives strings, split_views views, valid as long as the range and this
    // string's text.
    CowSplit<CowString> split(std::string_view separator) const;
    CowSplit<std::string_view> split_views(std::string_view separator) const;

    // Terminated by a NUL: the string is copied if it is not.
    const char* c_str() { return given(tarn_string_c_str(&string_)); }
    // To be written to: copied unless this string alone has the buffer.
    std::span<char> edit() { return {given(tarn_string_edit(&string_)), size()}; }
    void reserve(std::size_t capacity) { check(tarn_string_reserve(&string_, capacity)); }
    // `text` may be a part of this string.
    CowString& append(std::string_view text) {
        check(tarn_string_append(&string_, text.data(), text.size()));
        return *this;
    }
    CowString& append(const CowString& text) {
        if (empty() && this != &text) return *this = text;
        return append(text.view());
    }
    CowString& operator+=(std::string_view text) { return append(text); }
    CowString& operator+=(const CowString& text) { return append(text); }
    CowString& operator+=(char c) {
        push_back(c);
        return *this;
    }
    void push_back(char c) { check(tarn_string_push(&string_, c)); }
    void clear() noexcept { tarn_string_destroy(&string_); }
    void swap(CowString& other) noexcept { std::swap(string_, other.string_); }
    friend void swap(CowString& a, CowString& b) noexcept { a.swap(b); }

    friend CowString operator+(const CowString& left, const CowString& right) {
        CowString result;
        check(tarn_string_concat(&left.string_, &right.string_, &result.string_));
        return result;
    }
    friend CowString operator+(CowString&& left, std::string_view right) {
        return std::move(left.append(right));
    }
    friend CowString operator+(CowString&& left, const CowString& right) {
        return std::move(left.append(right));
    }
    friend CowString operator+(const CowString& left, std::string_view right) { return left + borrow(right); }
    friend CowString operator+(std::string_view left, const CowString& right) { return borrow(left) + right; }

    friend bool operator==(const CowString& a, const CowString& b) noexcept {
        return a.size() == b.size() && (a.data() == b.data() || a.view() == b.view());
    }
    friend auto operator<=>(const CowString& a, const CowString& b) noexcept { return a.view() <=> b.view(); }
    friend bool operator==(const CowString& a, std::string_view b) noexcept { return a.view() == b; }
    friend auto operator<=>(const CowString& a, std::string_view b) noexcept { return a.view() <=> b; }

    // As a std::string_view is written: to streams, by {fmt}, and by std::format (below).
    template <class Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                                        const CowString& text) {
        return out << std::basic_string_view<char, Traits>(text.data(), text.size());
    }
    friend std::string_view format_as(const CowString& text) noexcept { return text.view(); }

    // Of the calling thread: see cow_string.h.
    static tarn_string_counters counters() noexcept {
        tarn_string_counters now;
        tarn_string_counters_get(&now, sizeof now);
        return now;
    }

  private:
    static void check(int result) {
        if (result != 0) throw std::bad_alloc();
    }
    template <class T>
    static T* given(T* text) {
        return text ? text : throw std::bad_alloc();
    }
    CowString trimmed(tarn_string_side side) const {
        CowString result;
        tarn_string_trim(&string_, side, &result.string_);
        return result;
    }
    CowString trim_here(tarn_string_side side) {
        tarn_string_trim(&string_, side, &string_);
        return std::move(*this);
    }
    CowString changed(int (*function)(const tarn_string*, tarn_string*)) const {
        CowString result;
        check(function(&string_, &result.string_));
        return result;
    }
    CowString change(int (*function)(const tarn_string*, tarn_string*)) {
        check(function(&string_, &string_));
        return std::move(*this);
    }

    tarn_string string_{};
};
static_assert(sizeof(CowString) == 24);

namespace literals {
// Borrows the literal, which is there for ever: copies nothing.
inline CowString operator""_cow(const char* text, std::size_t length) noexcept {
    return length == std::char_traits<char>::length(text) ? CowString::borrow_terminated(text)
                                                          : CowString::borrow({text, length});
}
}  // namespace literals

// The range that CowString::split returns. Piece: CowString or std::string_view. Shares the text.
template <class Piece>
class CowSplit {
  public:
    class iterator {
      public:
        using value_type = Piece;
        using reference = Piece;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using iterator_concept = std::forward_iterator_tag;
        using iterator_category = std::input_iterator_tag;

        iterator() = default;
        Piece operator*() const {
            if constexpr (std::is_same_v<Piece, CowString>)
                return split_->text_.substr(first_, end_ - first_);
            else
                return split_->text_.view().substr(first_, end_ - first_);
        }
        iterator& operator++() {
            const bool last = !separated_;
            first_ = last ? CowString::npos : end_ + split_->separator_.size();
            if (!last) find_end();
            return *this;
        }
        iterator operator++(int) {
            iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const iterator& a, const iterator& b) { return a.first_ == b.first_; }
        friend bool operator==(const iterator& a, std::default_sentinel_t) {
            return a.first_ == CowString::npos;
        }

      private:
        friend class CowSplit;
        explicit iterator(const CowSplit* split) : split_(split), first_(0) { find_end(); }
        void find_end() {
            const std::string_view text = split_->text_.view(), separator = split_->separator_;
            const std::size_t found = separator.empty()       ? CowString::npos
                                      : separator.size() == 1 ? text.find(separator[0], first_)
                                                              : text.find(separator, first_);
            separated_ = found != CowString::npos;
            end_ = separated_ ? found : text.size();
        }

        const CowSplit* split_ = nullptr;
        std::size_t first_ = CowString::npos;
        std::size_t end_ = 0;
        bool separated_ = false;
    };

    CowSplit(CowString text, std::string_view separator) : text_(std::move(text)), separator_(separator) {}
    iterator begin() const { return iterator(this); }
    std::default_sentinel_t end() const { return {}; }

  private:
    CowString text_;
    std::string_view separator_;
};

inline CowSplit<CowString> CowString::split(std::string_view separator) const {
    return {*this, separator};
}
inline CowSplit<std::string_view> CowString::split_views(std::string_view separator) const {
    return {*this, separator};
}

// For containers that are searched by std::string_view as well: std::unordered_set<CowString, CowStringHash,
// std::equal_to<>>; std::set<CowString, std::less<>>.
struct CowStringHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>{}(text);
    }
};

}  // namespace tarn

template <>
struct std::hash<tarn::CowString> : tarn::CowStringHash {};

#ifdef __cpp_lib_format
template <>
struct std::formatter<tarn::CowString> : std::formatter<std::string_view> {
    auto format(const tarn::CowString& text, auto& context) const {
        return std::formatter<std::string_view>::format(text.view(), context);
    }
};
#endif
