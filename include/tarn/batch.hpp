// SPDX-License-Identifier: MIT
//
// Batch<Fields...>: rows whose fields are stored apart, each in a column of its own, so that a pass over one
// field reads nothing of the others. A field is named by its number, by its type where only one has it, or by
// a tag.
// Example:
//     struct Price { using type = double; };
//     struct Name { using type = std::string; };
//     tarn::Batch<Price, Name> goods;
//     goods.emplace_back(9.5, "rope");
//     for (double& price : goods.column<Price>()) price *= 1.19;
//     std::ranges::sort(goods, {}, tarn::field<Name>);  // any algorithm over rows
//     goods.sort_by<Name>();                            // the same, faster
//
// All columns are one allocation, of tarn's malloc (of operator new where a field is not trivially copyable,
// or aligned to more than a page); a column begins on a 64-byte line (or at the alignment of its type, if
// that is more) and is padded to whole lines; its padding may be read and written by vector code. Growth
// doubles; of trivially copyable fields, from 256 KiB on, in place or by mremap where it can. Spans, rows and
// pointers are valid until rows are added beyond capacity(), or the batch is shrunk, moved or destroyed;
// iterators until it is moved or destroyed. Errors: std::bad_alloc, and what a field's own operations throw.
// Threads: as a std::vector. Exceptions: emplace_back, push_back, reserve, shrink_to_fit and copies undo
// everything, if the fields can be copied or moved without throwing; the others leave each object valid, but
// perhaps in another row.
#pragma once
#include <concepts>
#include <functional>
#include <span>
#include <utility>

#include "tarn/batch_iterator.hpp"
#include "tarn/batch_sort.hpp"

namespace tarn {

template <class... Fs>
requires(sizeof...(Fs) > 0) class Batch {
    static constexpr std::size_t kFields = sizeof...(Fs);
    static constexpr std::size_t kFirstRows = 16;
    template <class T>
    static constexpr bool kInRegister =
        std::is_trivially_copyable_v<T>&& std::is_trivially_move_constructible_v<T> && sizeof(T) <= 16;
    using Block = batch_detail::Block<batch_detail::Type<Fs>...>;
    template <std::size_t I>
    using TypeAt = batch_detail::TypeAt<I, Fs...>;

  public:
    using row = Row<Fs...>;
    using const_row = ConstRow<Fs...>;
    using value_type = RowValue<Fs...>;
    using reference = row;
    using const_reference = const_row;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using iterator = BatchIterator<row, Fs...>;
    using const_iterator = BatchIterator<const_row, Fs...>;
    using selection = std::vector<RowNumber>;  // numbers of rows, lowest first

    Batch() = default;
    Batch(const Batch& from) : block_(from.size_ ? Block(from.size_) : Block()) {
        batch_detail::fill_columns<0, kFields>(block_, from.size_, [&]<std::size_t I>(TypeAt<I>* to) {
            std::uninitialized_copy_n(from.template data<I>(), from.size_, to);
        });
        size_ = from.size_;
    }
    Batch(Batch&& from) noexcept : block_(std::move(from.block_)), size_(std::exchange(from.size_, 0)) {}
    Batch& operator=(Batch from) noexcept {
        swap(from);
        return *this;
    }
    ~Batch() { clear(); }
    void swap(Batch& other) noexcept {
        block_.swap(other.block_);
        std::swap(size_, other.size_);
    }
    friend void swap(Batch& a, Batch& b) noexcept { a.swap(b); }

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::size_t capacity() const { return block_.capacity(); }
    static constexpr std::size_t max_size() { return batch_detail::kRowsMost; }

    // A column: by number, or by tag (or type).
    template <std::size_t I>
    std::span<TypeAt<I>> column() {
        return {data<I>(), size_};
    }
    template <std::size_t I>
    std::span<const TypeAt<I>> column() const {
        return {data<I>(), size_};
    }
    template <class F>
    auto column() {
        return column<index_of<F>()>();
    }
    template <class F>
    auto column() const {
        return column<index_of<F>()>();
    }

    row operator[](std::size_t i) { return row(block_.columns(), i); }
    const_row operator[](std::size_t i) const { return const_row(block_.columns(), i); }
    row back() { return (*this)[size_ - 1]; }
    const_row back() const { return (*this)[size_ - 1]; }
    iterator begin() { return iterator(block_.columns(), 0); }
    iterator end() { return iterator(block_.columns(), size_); }
    const_iterator begin() const { return const_iterator(block_.columns(), 0); }
    const_iterator end() const { return const_iterator(block_.columns(), size_); }

    // One argument per field, from which it is constructed; they may refer into the batch.
    template <class... As>
    requires(sizeof...(As) == kFields && (std::constructible_from<batch_detail::Type<Fs>, As> && ...)) row
        emplace_back(As&&... arguments) {
        if constexpr ((kInRegister<batch_detail::Type<Fs>> && ...))
            return push_values(batch_detail::Type<Fs>(std::forward<As>(arguments))...);
        if (size_ == capacity()) [[unlikely]]
            grow(std::forward<As>(arguments)...);
        else
            batch_detail::construct_row<0>(block_, size_, std::forward<As>(arguments)...);
        return (*this)[size_++];
    }
    template <SameRows<const_row> R>
    void push_back(R&& from) {
        push_row(std::forward<R>(from), std::make_index_sequence<kFields>{});
    }
    void push_back(value_type&& from) { push_row(std::move(from), std::make_index_sequence<kFields>{}); }
    void pop_back() { truncate(size_ - 1); }

    void reserve(std::size_t rows) {
        if (rows > capacity()) relocate(rows);
    }
    void shrink_to_fit() {
        if (size_ == 0)
            block_ = Block();
        else if (size_ < capacity())
            relocate(size_);
    }
    // New rows are value-initialised: numbers are 0.
    void resize(std::size_t rows) {
        if (rows <= size_) return truncate(rows);
        if (rows > capacity()) relocate(std::max(rows, grown()));
        add_values<0>(rows - size_);
        size_ = rows;
    }
    void clear() noexcept { truncate(0); }

    // The rows behind move up, in order: linear in their number.
    void erase(std::size_t i) { erase(i, i + 1); }
    void erase(std::size_t first, std::size_t last) {
        if (first == last) return;
        batch_detail::for_each_field<kFields>(
            [&]<std::size_t I>() { std::move(data<I>() + last, data<I>() + size_, data<I>() + first); });
        truncate(size_ - (last - first));
    }
    // The last row takes the place: constant time.
    void swap_erase(std::size_t i) {
        if (i + 1 < size_)
            batch_detail::for_each_field<kFields>(
                [&]<std::size_t I>() { data<I>()[i] = std::move(data<I>()[size_ - 1]); });
        pop_back();
    }

    // Sorts the rows by one field (a number, or a tag). When `compare` throws, nothing has changed.
    // Numbers sorted by std::less, std::greater and those of std::ranges: linear time, and -0.0 equals 0.0;
    // each NaN has a place, by its sign at one of the ends.
    template <std::size_t I, class Compare = std::less<>>
    void sort_by(Compare compare = {}) {
        apply(batch_detail::order_of(keys<I>(), compare, batch_detail::Stability::kAny));
    }
    template <class F, class Compare = std::less<>>
    void sort_by(Compare compare = {}) {
        sort_by<index_of<F>()>(std::move(compare));
    }
    // Rows with equal fields keep their order.
    template <std::size_t I, class Compare = std::less<>>
    void stable_sort_by(Compare compare = {}) {
        apply(batch_detail::order_of(keys<I>(), compare, batch_detail::Stability::kStable));
    }
    template <class F, class Compare = std::less<>>
    void stable_sort_by(Compare compare = {}) {
        stable_sort_by<index_of<F>()>(std::move(compare));
    }

    // The rows whose field satisfies the predicate.
    template <std::size_t I, std::predicate<const TypeAt<I>&> Predicate>
    selection select_if(Predicate predicate) const {
        selection rows(size_);
        RowNumber* end = rows.data();
        const auto* const keys = data<I>();
        for (std::size_t i = 0; i < size_; ++i) {
            *end = static_cast<RowNumber>(i);
            end += static_cast<bool>(std::invoke(predicate, keys[i]));
        }
        rows.resize(static_cast<std::size_t>(end - rows.data()));
        return rows;
    }
    template <class F, class Predicate>
    selection select_if(Predicate predicate) const {
        return select_if<index_of<F>()>(std::move(predicate));
    }
    // Keeps those rows, in their order, and no others; the number of rows that went. Allocates nothing.
    // When the predicate throws, all rows that it has not yet judged stay.
    template <std::size_t I, std::predicate<const TypeAt<I>&> Predicate>
    std::size_t keep_if(Predicate predicate) {
        const std::size_t before = size_;
        std::size_t kept = 0, judged = 0;
        try {
            while (judged < size_)
                kept = keep_chunk<I>(kept, judged, predicate);
        } catch (...) {
            erase(kept, judged);
            throw;
        }
        truncate(kept);
        return before - kept;
    }
    template <class F, class Predicate>
    std::size_t keep_if(Predicate predicate) {
        return keep_if<index_of<F>()>(std::move(predicate));
    }
    // The same for a selection, which must be in order, each row at most once.
    void keep(std::span<const RowNumber> rows) {
        move_up(0, 0, rows.data(), rows.size());
        truncate(rows.size());
    }
    // A new batch of copies of these rows, in any order, any number of times.
    Batch copy(std::span<const RowNumber> rows) const {
        Batch result;
        if (rows.empty()) return result;
        result.block_ = Block(rows.size());
        batch_detail::fill_columns<0, kFields>(result.block_, rows.size(), [&]<std::size_t I>(TypeAt<I>* to) {
            gather<I>(rows, to, [](TypeAt<I>& object) -> const TypeAt<I>& { return object; });
        });
        result.size_ = rows.size();
        return result;
    }

  private:
    // Rows judged before any moves: columns are read in pieces so long, and fetched ahead the better the
    // longer they are.
    static constexpr std::size_t kChunk = 8192;
    using InChunk = std::uint16_t;

    template <class F>
    static consteval std::size_t index_of() {
        return batch_detail::index_of<F, Fs...>();
    }
    template <std::size_t I>
    TypeAt<I>* data() const {
        return block_.template column<I>();
    }
    template <std::size_t I>
    std::span<const TypeAt<I>> keys() const {
        return {data<I>(), size_};
    }
    std::size_t grown() const {
        return std::max(kFirstRows, std::min(2 * capacity(), std::max(max_size(), capacity() + 1)));
    }

    // Moves all rows to a new block, which the caller may have begun to fill.
    void relocate_into(Block& next) {
        batch_detail::relocate_columns<0, kFields>(block_, next, size_);
        const std::size_t rows = size_;
        clear();
        size_ = rows;
        block_.swap(next);
    }
    [[gnu::noinline]] void relocate(std::size_t rows) {
        if (block_.extends_to(rows)) return block_.extend(rows, size_);
        Block next(rows);
        relocate_into(next);
    }
    // The new row first: the arguments may refer to an old one.
    template <class... As>
    [[gnu::noinline]] void grow(As&&... arguments) {
        Block next(grown());
        batch_detail::construct_row<0>(next, size_, std::forward<As>(arguments)...);
        try {
            relocate_into(next);
        } catch (...) {
            batch_detail::for_each_field<kFields>(
                [&]<std::size_t I>() { std::destroy_at(next.template column<I>() + size_); });
            throw;
        }
    }
    // Values, not references: those would have to be in memory in case it grows.
    [[gnu::always_inline]] row push_values(batch_detail::Type<Fs>... values) {
        if (size_ == capacity()) [[unlikely]]
            relocate(grown());
        batch_detail::construct_row<0>(block_, size_, std::move(values)...);
        return (*this)[size_++];
    }
    template <class R, std::size_t... I>
    void push_row(R&& from, std::index_sequence<I...>) {
        emplace_back(std::forward<R>(from).template get<I>()...);
    }
    template <std::size_t I>
    void add_values(std::size_t count) {
        if constexpr (I < kFields) {
            std::uninitialized_value_construct_n(data<I>() + size_, count);
            try {
                add_values<I + 1>(count);
            } catch (...) {
                std::destroy_n(data<I>() + size_, count);
                throw;
            }
        }
    }
    void truncate(std::size_t rows) noexcept {
        batch_detail::for_each_field<kFields>(
            [&]<std::size_t I>() { std::destroy(data<I>() + rows, data<I>() + size_); });
        size_ = rows;
    }

    template <std::size_t I, class Predicate>
    std::size_t keep_chunk(std::size_t kept, std::size_t& judged, Predicate& predicate) {
        InChunk rows[kChunk];
        const std::size_t first = judged, count = std::min(kChunk, size_ - first);
        const auto* const keys = data<I>() + first;
        std::size_t found = 0;
        for (std::size_t i = 0; i < count; ++i) {
            rows[found] = static_cast<InChunk>(i);
            found += static_cast<bool>(std::invoke(predicate, keys[i]));
        }
        move_up(kept, first, rows, found);
        judged += count;
        return kept + found;
    }
    // Moves rows, given in order and counted from `first`, up to where `to` is.
    template <class Number>
    void move_up(std::size_t to, std::size_t first, const Number* rows, std::size_t count) {
        if (count == 0 || first + rows[count - 1] == to + count - 1) return;  // they are there
        batch_detail::for_each_field<kFields>([&]<std::size_t I>() {
            auto* const from = data<I>() + first;
            auto* const into = data<I>() + to;
            for (std::size_t i = 0; i < count; ++i)
                if (std::is_trivially_copyable_v<TypeAt<I>> || from + rows[i] != into + i)
                    into[i] = std::move(from[rows[i]]);
        });
    }

    template <std::size_t I, class As>
    void gather(std::span<const RowNumber> rows, TypeAt<I>* to, As as) const {
        TypeAt<I>* const objects = data<I>();
        std::size_t done = 0;
        try {
            for (; done < rows.size(); ++done)
                std::construct_at(to + done, as(objects[rows[done]]));
        } catch (...) {
            std::destroy_n(to, done);
            throw;
        }
    }
    // Column by column through one scratch column.
    void apply(const batch_detail::Order& order) {
        if (size_ < 2) return;
        const std::span<const RowNumber> rows(order.get(), size_);
        batch_detail::Scratch scratch(size_ * std::max({sizeof(batch_detail::Type<Fs>)...}),
                                      Block::kAlignment);
        batch_detail::for_each_field<kFields>([&]<std::size_t I>() {
            auto* const sorted = static_cast<TypeAt<I>*>(scratch.get());
            gather<I>(rows, sorted, [](TypeAt<I>& object) -> TypeAt<I>&& { return std::move(object); });
            try {
                std::move(sorted, sorted + size_, data<I>());
            } catch (...) {
                std::destroy_n(sorted, size_);
                throw;
            }
            std::destroy_n(sorted, size_);
        });
    }

    Block block_;
    std::size_t size_ = 0;
};

}  // namespace tarn
