// SPDX-License-Identifier: MIT
// Rows of a Batch seen as one thing: Row (fields may be written), ConstRow, RowMove (what iter_move gives)
// and RowValue (a row that stands alone, outside any batch). Included by batch.hpp.
//
// The first three are proxies: two words that name a row of a batch. Assigning to one assigns the fields, as
// assigning to a reference does; they are valid while the batch lives, is not moved, and has that row.
#pragma once
#include <concepts>
#include <cstddef>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tarn {

namespace batch_detail {

template <class F>
struct FieldOf {
    using type = F;
};
// A tag: an empty class that names the field's type, as in `struct Price { using type = double; };`.
template <class F>
requires std::is_empty_v<F> && requires {
    typename F::type;
}
struct FieldOf<F> {
    using type = typename F::type;
};
template <class F>
using Type = typename FieldOf<F>::type;

template <std::size_t I, class... Fs>
using TypeAt = Type<std::tuple_element_t<I, std::tuple<Fs...>>>;

// Which field F is; it must be there once.
template <class F, class... Fs>
consteval std::size_t index_of() {
    static_assert((std::size_t{std::is_same_v<F, Fs>} + ... + 0) == 1,
                  "the batch has no such field, or several");
    const bool same[] = {std::is_same_v<F, Fs>...};
    std::size_t index = 0;
    while (!same[index])
        ++index;
    return index;
}

template <class... Fs>
struct Place {
    void* const* columns;
    std::size_t index;

    template <std::size_t I>
    TypeAt<I, Fs...>& at() const {
        return static_cast<TypeAt<I, Fs...>*>(columns[I])[index];
    }
};

// Calls f.operator()<I>() for each I below N.
template <std::size_t N, class F>
constexpr void for_each_field(F&& f) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (f.template operator()<I>(), ...);
    }
    (std::make_index_sequence<N>{});
}

}  // namespace batch_detail

template <class... Fs>
class Row;
template <class... Fs>
class ConstRow;
template <class... Fs>
class RowMove;
template <class... Fs>
class RowValue;

// Any of the four.
template <class R>
concept RowLike = requires {
    typename std::remove_cvref_t<R>::const_row;
};
template <class A, class B>
concept SameRows = RowLike<A> && RowLike<B> && std::same_as < typename std::remove_cvref_t<A>::const_row,
typename std::remove_cvref_t<B>::const_row > ;

// The field of a row, by number or by tag.
template <std::size_t I, RowLike R>
constexpr decltype(auto) get(R&& row) {
    return std::forward<R>(row).template get<I>();
}
template <class F, RowLike R>
constexpr decltype(auto) get(R&& row) {
    return std::forward<R>(row).template get<std::remove_cvref_t<R>::template index_of<F>()>();
}

// All of them have these: names, and how to assign field by field.
template <class... Fs>
struct RowNames {
    using const_row = ConstRow<Fs...>;
    static constexpr std::size_t kFields = sizeof...(Fs);

    template <class F>
    static consteval std::size_t index_of() {
        return batch_detail::index_of<F, Fs...>();
    }

  protected:
    template <class To, class From>
    static void assign(To& to, From&& from) {
        batch_detail::for_each_field<kFields>(
            [&]<std::size_t I>() { to.template get<I>() = std::forward<From>(from).template get<I>(); });
    }
};

// One pointer per field, since the row may also be a RowValue. Those not looked at cost nothing once inlined.
template <class... Fs>
class ConstRow : public RowNames<Fs...> {
    using Indexes = std::index_sequence_for<Fs...>;

  public:
    ConstRow(void* const* columns, std::size_t index)
        : ConstRow(batch_detail::Place<Fs...>{columns, index}, Indexes{}) {}
    ConstRow(const Row<Fs...>& row) : ConstRow(row.place_, Indexes{}) {}
    ConstRow(const RowMove<Fs...>& row) : ConstRow(row.place_, Indexes{}) {}
    ConstRow(const RowValue<Fs...>& row) : ConstRow(row, Indexes{}) {}

    template <std::size_t I>
    const batch_detail::TypeAt<I, Fs...>& get() const {
        return *std::get<I>(fields_);
    }
    template <class F>
    const batch_detail::Type<F>& get() const {
        return get<RowNames<Fs...>::template index_of<F>()>();
    }

  private:
    template <std::size_t... I>
    ConstRow(batch_detail::Place<Fs...> place, std::index_sequence<I...>)
        : fields_(std::addressof(place.template at<I>())...) {}
    template <std::size_t... I>
    ConstRow(const RowValue<Fs...>& row, std::index_sequence<I...>)
        : fields_(std::addressof(row.template get<I>())...) {}

    std::tuple<const batch_detail::Type<Fs>*...> fields_;
};

// A row about to be moved from.
template <class... Fs>
class RowMove : public RowNames<Fs...> {
  public:
    RowMove(void* const* columns, std::size_t index) : place_{columns, index} {}

    template <std::size_t I>
    batch_detail::TypeAt<I, Fs...>&& get() const {
        return std::move(place_.template at<I>());
    }

  private:
    friend class ConstRow<Fs...>;
    batch_detail::Place<Fs...> place_;
};

template <class... Fs>
class Row : public RowNames<Fs...> {
    using Names = RowNames<Fs...>;

  public:
    Row(void* const* columns, std::size_t index) : place_{columns, index} {}
    Row(const Row&) = default;

    template <std::size_t I>
    batch_detail::TypeAt<I, Fs...>& get() const {
        return place_.template at<I>();
    }
    template <class F>
    batch_detail::Type<F>& get() const {
        return get<Names::template index_of<F>()>();
    }

    // All of them write the fields; const as for a reference.
    Row& operator=(const Row& from) {
        Names::assign(*this, from);
        return *this;
    }
    const Row& operator=(const Row& from) const { return assign_from(from); }
    const Row& operator=(const ConstRow<Fs...>& from) const { return assign_from(from); }
    const Row& operator=(RowMove<Fs...> from) const { return assign_from(std::move(from)); }
    const Row& operator=(const RowValue<Fs...>& from) const { return assign_from(from); }
    const Row& operator=(RowValue<Fs...>&& from) const { return assign_from(std::move(from)); }

    // By value: better than std::swap, which would swap through a copy of the proxy.
    friend void swap(Row a, Row b) {
        batch_detail::for_each_field<sizeof...(Fs)>([&]<std::size_t I>() {
            using std::swap;
            swap(a.template get<I>(), b.template get<I>());
        });
    }

  private:
    friend class ConstRow<Fs...>;
    template <class From>
    const Row& assign_from(From&& from) const {
        Names::assign(*this, std::forward<From>(from));
        return *this;
    }

    batch_detail::Place<Fs...> place_;
};

template <class... Fs>
class RowValue : public RowNames<Fs...> {
    using Names = RowNames<Fs...>;
    using Indexes = std::index_sequence_for<Fs...>;

  public:
    RowValue() = default;
    explicit(sizeof...(Fs) == 1) RowValue(batch_detail::Type<Fs>... fields) : fields_(std::move(fields)...) {}
    RowValue(const Row<Fs...>& row) : RowValue(row, Indexes{}) {}
    RowValue(const ConstRow<Fs...>& row) : RowValue(row, Indexes{}) {}
    RowValue(const RowMove<Fs...>& row) : RowValue(row, Indexes{}) {}
    RowValue(const RowValue& from) requires(std::copy_constructible<batch_detail::Type<Fs>>&&...)
        : fields_(from.fields_) {}
    RowValue(RowValue&& from) noexcept((std::is_nothrow_move_constructible_v<batch_detail::Type<Fs>> && ...))
        : fields_(std::move(from.fields_)) {}
    RowValue& operator=(const RowValue& from) requires(std::copyable<batch_detail::Type<Fs>>&&...) {
        fields_ = from.fields_;
        return *this;
    }
    RowValue& operator=(RowValue&& from) noexcept(
        (std::is_nothrow_move_assignable_v<batch_detail::Type<Fs>> && ...)) {
        fields_ = std::move(from.fields_);
        return *this;
    }
    ~RowValue() = default;

    template <std::size_t I>
    auto& get() & {
        return std::get<I>(fields_);
    }
    template <std::size_t I>
    const auto& get() const& {
        return std::get<I>(fields_);
    }
    template <std::size_t I>
    auto&& get() && {
        return std::get<I>(std::move(fields_));
    }
    template <class F>
    auto& get() & {
        return std::get<Names::template index_of<F>()>(fields_);
    }
    template <class F>
    const auto& get() const& {
        return std::get<Names::template index_of<F>()>(fields_);
    }

  private:
    template <class R, std::size_t... I>
    RowValue(const R& row, std::index_sequence<I...>) : fields_(row.template get<I>()...) {}

    std::tuple<batch_detail::Type<Fs>...> fields_;
};

}  // namespace tarn
