// SPDX-License-Identifier: MIT
// Interning in C++20, over tarn/interner.h, which says what each call does and costs. Out of memory:
// std::bad_alloc; options that make no sense: std::invalid_argument. As there, all members but constructors,
// destructors and assignments may be called by any threads at the same time.
#pragma once
#include <array>
#include <cerrno>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <new>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>
#include <version>

#ifdef __cpp_lib_format
#include <format>
#endif

#include "tarn/interner.h"
#include "tarn/keywords.h"

namespace tarn {

// An interned string, as large as a pointer. Of symbols of one interner, == compares the text by comparing
// addresses. The order is that of the addresses: any, but the same while the interner lives; ByText orders by
// text. A default-made symbol is none: false, equal to none only, its text empty.
class Symbol {
  public:
    constexpr Symbol() = default;
    constexpr explicit Symbol(const tarn_interned* handle) noexcept : handle_(handle) {}

    constexpr explicit operator bool() const noexcept { return handle_ != nullptr; }
    constexpr const tarn_interned* handle() const noexcept { return handle_; }

    const char* c_str() const noexcept { return handle_ ? tarn_interned_text(handle_) : ""; }
    std::size_t size() const noexcept { return handle_ ? tarn_interned_length(handle_) : 0; }
    std::string_view text() const noexcept { return {c_str(), size()}; }
    // Of the text.
    std::uint32_t hash() const noexcept { return handle_ ? tarn_interned_hash(handle_) : 0; }
    // The number of a keyword, -1 of any other string: made to be switched on.
    int keyword() const noexcept { return handle_ ? tarn_interned_keyword(handle_) : -1; }

    friend constexpr bool operator==(Symbol, Symbol) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(Symbol a, Symbol b) noexcept {
        return std::compare_three_way{}(a.handle_, b.handle_);
    }

    // Its text, as a std::string_view is written: to streams, by {fmt}, and by std::format (below).
    template <class Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                                        Symbol symbol) {
        return out << std::basic_string_view<char, Traits>(symbol.c_str(), symbol.size());
    }
    friend std::string_view format_as(Symbol symbol) noexcept { return symbol.text(); }

  private:
    const tarn_interned* handle_ = nullptr;
};
static_assert(sizeof(Symbol) == sizeof(void*));

struct ByText {
    bool operator()(Symbol a, Symbol b) const noexcept { return a.text() < b.text(); }
};

// Words that get the numbers 0, 1, 2 ... in this order. The words' memory is the caller's, and needed until
// the interner is made.
class KeywordSet {
  public:
    KeywordSet() = default;
    KeywordSet(std::initializer_list<const char*> words) : words_(words) {}
    explicit KeywordSet(tarn_keyword_set set) {
        std::size_t count = 0;
        const char* const* words = tarn_keywords(set, &count);
        if (!words) throw std::invalid_argument("tarn: no such set of keywords");
        words_.assign(words, words + count);
    }
    static KeywordSet template_language() { return KeywordSet(TARN_KEYWORDS_TEMPLATE); }
    static KeywordSet python() { return KeywordSet(TARN_KEYWORDS_PYTHON); }

    // Its words get the next numbers.
    KeywordSet& operator+=(const KeywordSet& more) {
        const std::vector<const char*> copy = more.words_;  // `more` may be *this
        words_.insert(words_.end(), copy.begin(), copy.end());
        return *this;
    }
    std::size_t size() const noexcept { return words_.size(); }
    const char* operator[](std::size_t number) const { return words_[number]; }
    auto begin() const noexcept { return words_.begin(); }
    auto end() const noexcept { return words_.end(); }
    const char* const* data() const noexcept { return words_.data(); }

  private:
    std::vector<const char*> words_;
};

struct InternerOptions {
    KeywordSet keywords{};
    std::size_t expected = 0;             // strings that room is made for at once
    unsigned shards = 0;                  // parts that threads can insert into at the same time; 0: 8
    std::optional<std::uint64_t> seed{};  // without one, hashes differ from run to run
};

// Both kinds of interner have this.
class InternerBase {
  public:
    InternerBase(const InternerBase&) = delete;
    InternerBase& operator=(const InternerBase&) = delete;

    // The keyword with this number, or none.
    Symbol keyword(std::size_t number) const noexcept {
        return Symbol(tarn_interner_keyword(handle_, number));
    }
    tarn_interner_stats stats() const noexcept {
        tarn_interner_stats stats{};
        tarn_interner_stats_get(handle_, &stats, sizeof stats);
        return stats;
    }
    std::size_t size() const noexcept { return stats().strings; }

    // visit(Symbol) for each string; what it throws ends the walk.
    template <class Visit>
    void each(Visit&& visit) const {
        struct Walk {
            std::remove_reference_t<Visit>* visit;
            std::exception_ptr thrown;
        } walk{&visit, nullptr};
        const int result = tarn_intern_each(
            handle_,
            [](void* context, const tarn_interned* string) {
                Walk& self = *static_cast<Walk*>(context);
                try {
                    (*self.visit)(Symbol(string));
                } catch (...) {
                    self.thrown = std::current_exception();
                    return 1;
                }
                return 0;
            },
            &walk);
        if (walk.thrown) std::rethrow_exception(walk.thrown);
        if (result != 0) throw std::bad_alloc();
    }

    // NULL when moved from.
    tarn_interner* handle() const noexcept { return handle_; }

  protected:
    explicit InternerBase(tarn_interner* handle) : handle_(handle) {
        if (!handle) throw std::bad_alloc();
    }
    InternerBase(const InternerOptions& options, std::uint32_t flags) : handle_(create(options, flags)) {}
    InternerBase(InternerBase&& from) noexcept : handle_(std::exchange(from.handle_, nullptr)) {}
    InternerBase& operator=(InternerBase&& from) noexcept {
        if (this != &from) {
            tarn_interner_destroy(handle_);
            handle_ = std::exchange(from.handle_, nullptr);
        }
        return *this;
    }
    ~InternerBase() { tarn_interner_destroy(handle_); }

    static const tarn_interned* need(const tarn_interned* string) {
        if (!string) throw std::bad_alloc();
        return string;
    }

  private:
    static tarn_interner* create(const InternerOptions& options, std::uint32_t flags) {
        tarn_interner_options plain = TARN_INTERNER_OPTIONS_INIT;
        plain.flags = flags | (options.seed ? TARN_INTERNER_SEEDED : 0);
        plain.shards = options.shards;
        plain.keyword_count = static_cast<std::uint32_t>(options.keywords.size());
        plain.keywords = options.keywords.data();
        plain.expected = options.expected;
        plain.seed = options.seed.value_or(0);
        tarn_interner* const made = tarn_interner_create(&plain, sizeof plain);
        if (!made && errno == EINVAL) throw std::invalid_argument("tarn: options of an interner");
        if (!made) throw std::bad_alloc();
        return made;
    }

    tarn_interner* handle_;
};

// Keeps its strings until it ends. Symbols are plain values, valid as long.
// Example:
//     tarn::Interner names;
//     const tarn::Symbol one = names("rope"), other = names("rope");
//     const bool same = one == other;  // compares addresses
class Interner : public InternerBase {
  public:
    explicit Interner(const InternerOptions& options = {}) : InternerBase(options, 0) {}
    Interner(Interner&&) noexcept = default;
    Interner& operator=(Interner&&) noexcept = default;

    // The table of the process; its symbols are valid for ever.
    static Interner& process() {
        static Interner* const table = new Interner(tarn_interner_process());
        return *table;
    }

    Symbol intern(std::string_view text) {
        return Symbol(need(tarn_intern(handle(), text.data(), text.size())));
    }
    Symbol operator()(std::string_view text) { return intern(text); }
    // The two, joined.
    Symbol intern(std::string_view first, std::string_view second) {
        return Symbol(
            need(tarn_intern_pair(handle(), first.data(), first.size(), second.data(), second.size())));
    }
    // A set of literals: const auto [self, init] = interner.literals("self", "__init__");
    template <class... Text>
    std::array<Symbol, sizeof...(Text)> literals(const Text&... text) {
        return {intern(std::string_view(text))...};
    }
    // None when it is not present.
    Symbol find(std::string_view text) const noexcept {
        return Symbol(tarn_interner_find(handle(), text.data(), text.size()));
    }

  private:
    explicit Interner(tarn_interner* table) : InternerBase(table) {}
};

// A reference to a string of a CountedInterner, which must outlive it. Copies count.
class CountedSymbol {
  public:
    CountedSymbol() = default;
    CountedSymbol(const CountedSymbol& from) noexcept
        : table_(from.table_), string_(tarn_interned_retain(from.table_, from.string_)) {}
    CountedSymbol(CountedSymbol&& from) noexcept
        : table_(from.table_), string_(std::exchange(from.string_, nullptr)) {}
    CountedSymbol& operator=(CountedSymbol from) noexcept {
        std::swap(table_, from.table_);
        std::swap(string_, from.string_);
        return *this;
    }
    ~CountedSymbol() { tarn_interned_release(table_, string_); }

    // Valid while a CountedSymbol of this string is.
    Symbol symbol() const noexcept { return Symbol(string_); }
    explicit operator bool() const noexcept { return string_ != nullptr; }
    const char* c_str() const noexcept { return symbol().c_str(); }
    std::size_t size() const noexcept { return symbol().size(); }
    std::string_view text() const noexcept { return symbol().text(); }
    std::uint32_t hash() const noexcept { return symbol().hash(); }
    int keyword() const noexcept { return symbol().keyword(); }

    friend bool operator==(const CountedSymbol& a, const CountedSymbol& b) noexcept {
        return a.string_ == b.string_;
    }
    friend std::strong_ordering operator<=>(const CountedSymbol& a, const CountedSymbol& b) noexcept {
        return a.symbol() <=> b.symbol();
    }

    // As a Symbol is.
    template <class Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                                        const CountedSymbol& symbol) {
        return out << symbol.symbol();
    }
    friend std::string_view format_as(const CountedSymbol& symbol) noexcept { return symbol.text(); }

  private:
    friend class CountedInterner;
    CountedSymbol(tarn_interner* table, const tarn_interned* string) : table_(table), string_(string) {}
    tarn_interner* table_ = nullptr;
    const tarn_interned* string_ = nullptr;
};

// Drops a string when its last CountedSymbol ends. Look-ups take a lock.
// Example:
//     tarn::CountedInterner names;
//     const tarn::CountedSymbol name = names("rope");
//     const std::string_view text = name.text();
class CountedInterner : public InternerBase {
  public:
    explicit CountedInterner(const InternerOptions& options = {})
        : InternerBase(options, TARN_INTERNER_COUNTED) {}
    CountedInterner(CountedInterner&&) noexcept = default;
    CountedInterner& operator=(CountedInterner&&) noexcept = default;

    CountedSymbol intern(std::string_view text) {
        return {handle(), need(tarn_intern(handle(), text.data(), text.size()))};
    }
    CountedSymbol operator()(std::string_view text) { return intern(text); }
    CountedSymbol find(std::string_view text) const noexcept {
        return {handle(), tarn_interner_find(handle(), text.data(), text.size())};
    }
};

}  // namespace tarn

template <>
struct std::hash<tarn::Symbol> {
    // By address; the last two bits of all are 0.
    std::size_t operator()(tarn::Symbol symbol) const noexcept {
        const std::uint64_t x = reinterpret_cast<std::uintptr_t>(symbol.handle()) * 0x9e3779b97f4a7c15u;
        return static_cast<std::size_t>(x ^ x >> 32);
    }
};

template <>
struct std::hash<tarn::CountedSymbol> {
    std::size_t operator()(const tarn::CountedSymbol& symbol) const noexcept {
        return std::hash<tarn::Symbol>{}(symbol.symbol());
    }
};

#ifdef __cpp_lib_format
template <>
struct std::formatter<tarn::Symbol> : std::formatter<std::string_view> {
    auto format(tarn::Symbol symbol, auto& context) const {
        return std::formatter<std::string_view>::format(symbol.text(), context);
    }
};

template <>
struct std::formatter<tarn::CountedSymbol> : std::formatter<tarn::Symbol> {
    auto format(const tarn::CountedSymbol& symbol, auto& context) const {
        return std::formatter<tarn::Symbol>::format(symbol.symbol(), context);
    }
};
#endif
