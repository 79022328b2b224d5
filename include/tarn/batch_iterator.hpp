// SPDX-License-Identifier: MIT
// What makes rows of a Batch work with the algorithms of std::ranges: comparison, structured bindings, the
// common reference of the four kinds of row, and the iterator. Included by batch.hpp.
#pragma once
#include <compare>
#include <iterator>

#include "tarn/batch_rows.hpp"

namespace tarn {

namespace batch_detail {

template <RowLike R>
auto tied(const R& row) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return std::tuple<const std::remove_cvref_t<decltype(get<I>(row))>&...>(get<I>(row)...);
    }
    (std::make_index_sequence<R::kFields>{});
}

}  // namespace batch_detail

// Rows compare field by field, in the order of the fields.
template <class A, class B>
requires SameRows<A, B>
auto operator==(const A& a, const B& b) -> decltype(batch_detail::tied(a) == batch_detail::tied(b)) {
    return batch_detail::tied(a) == batch_detail::tied(b);
}
template <class A, class B>
requires SameRows<A, B>
auto operator<=>(const A& a, const B& b) -> decltype(batch_detail::tied(a) <=> batch_detail::tied(b)) {
    return batch_detail::tied(a) <=> batch_detail::tied(b);
}

// A projection: std::ranges::sort(batch, {}, tarn::field<Price>).
template <class F>
struct FieldProjection {
    template <RowLike R>
    const auto& operator()(const R& row) const {
        return static_cast<const batch_detail::Type<F>&>(get<F>(row));
    }
};
template <class F>
inline constexpr FieldProjection<F> field{};

// Random access over the rows of a batch. Names a row by its number: reserve and growth leave iterators
// valid, moving or swapping the batch does not. Reference is Row or ConstRow.
template <class Reference, class... Fs>
class BatchIterator {
    static constexpr bool kConst = std::is_same_v<Reference, ConstRow<Fs...>>;

  public:
    using value_type = RowValue<Fs...>;
    using reference = Reference;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using iterator_concept = std::random_access_iterator_tag;
    using iterator_category =
        std::random_access_iterator_tag;  // libstdc++ sorts stably by its older algorithms

    BatchIterator() = default;
    BatchIterator(void* const* columns, std::size_t index)
        : columns_(columns), index_(static_cast<difference_type>(index)) {}
    // From iterator to const_iterator.
    template <std::same_as<Row<Fs...>> R>
    requires kConst BatchIterator(const BatchIterator<R, Fs...>& from)
        : columns_(from.columns_), index_(from.index_) {}

    Reference operator*() const { return Reference(columns_, static_cast<std::size_t>(index_)); }
    Reference operator[](difference_type n) const { return *(*this + n); }

    BatchIterator& operator+=(difference_type n) {
        index_ += n;
        return *this;
    }
    BatchIterator& operator-=(difference_type n) { return *this += -n; }
    BatchIterator& operator++() { return *this += 1; }
    BatchIterator& operator--() { return *this -= 1; }
    BatchIterator operator++(int) {
        BatchIterator before = *this;
        ++*this;
        return before;
    }
    BatchIterator operator--(int) {
        BatchIterator before = *this;
        --*this;
        return before;
    }
    friend BatchIterator operator+(BatchIterator it, difference_type n) { return it += n; }
    friend BatchIterator operator+(difference_type n, BatchIterator it) { return it += n; }
    friend BatchIterator operator-(BatchIterator it, difference_type n) { return it -= n; }
    friend difference_type operator-(const BatchIterator& a, const BatchIterator& b) {
        return a.index_ - b.index_;
    }
    friend bool operator==(const BatchIterator& a, const BatchIterator& b) { return a.index_ == b.index_; }
    friend auto operator<=>(const BatchIterator& a, const BatchIterator& b) { return a.index_ <=> b.index_; }

    friend auto iter_move(const BatchIterator& it) {
        if constexpr (kConst)
            return *it;
        else
            return RowMove<Fs...>(it.columns_, static_cast<std::size_t>(it.index_));
    }
    friend void iter_swap(const BatchIterator& a, const BatchIterator& b) requires(!kConst) { swap(*a, *b); }

  private:
    friend class BatchIterator<ConstRow<Fs...>, Fs...>;
    void* const* columns_ = nullptr;
    difference_type index_ = 0;
};

}  // namespace tarn

template <class... Fs>
struct std::tuple_size<tarn::Row<Fs...>> : std::integral_constant<std::size_t, sizeof...(Fs)> {};
template <class... Fs>
struct std::tuple_size<tarn::ConstRow<Fs...>> : std::integral_constant<std::size_t, sizeof...(Fs)> {};
template <class... Fs>
struct std::tuple_size<tarn::RowMove<Fs...>> : std::integral_constant<std::size_t, sizeof...(Fs)> {};
template <class... Fs>
struct std::tuple_size<tarn::RowValue<Fs...>> : std::integral_constant<std::size_t, sizeof...(Fs)> {};
template <std::size_t I, class... Fs>
struct std::tuple_element<I, tarn::Row<Fs...>> {
    using type = tarn::batch_detail::TypeAt<I, Fs...>;
};
template <std::size_t I, class... Fs>
struct std::tuple_element<I, tarn::ConstRow<Fs...>> {
    using type = const tarn::batch_detail::TypeAt<I, Fs...>;
};
template <std::size_t I, class... Fs>
struct std::tuple_element<I, tarn::RowMove<Fs...>> {
    using type = tarn::batch_detail::TypeAt<I, Fs...>;
};
template <std::size_t I, class... Fs>
struct std::tuple_element<I, tarn::RowValue<Fs...>> {
    using type = tarn::batch_detail::TypeAt<I, Fs...>;
};

// Two different kinds of row can both be read as a ConstRow.
template <class A, class B, template <class> class QualifiersA, template <class> class QualifiersB>
requires tarn::SameRows<A, B> &&
    (!std::same_as<A, B>)struct std::basic_common_reference<A, B, QualifiersA, QualifiersB> {
    using type = typename A::const_row;
};
