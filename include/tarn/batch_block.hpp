// SPDX-License-Identifier: MIT
// The one allocation behind a Batch: all columns, one after the other. Included by batch.hpp.
//
//   | field 0: capacity objects, padding | field 1: capacity objects, padding | ...
//   ^ 64-byte line                       ^ 64-byte line
//
// A column of a page or more is followed by one line more, so that columns of equal size do not begin at
// equal offsets within a page, and their rows do not compete for the same sets of the processor's caches.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tarn/buffer.h"

namespace tarn {

// Numbers of rows are 32 bits where many are kept: a batch holds at most 2^32 - 1 rows.
using RowNumber = std::uint32_t;

namespace batch_detail {

inline constexpr std::size_t kLine = 64;
inline constexpr std::size_t kPage = 4096;
inline constexpr std::size_t kRowsMost = std::numeric_limits<RowNumber>::max();

// Bytes aligned for objects of any field; freed by its destructor.
class Scratch {
  public:
    Scratch(std::size_t bytes, std::size_t alignment)
        : alignment_{alignment}, memory_(::operator new(bytes, alignment_)) {}
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() { ::operator delete(memory_, alignment_); }
    void* get() const { return memory_; }

  private:
    std::align_val_t alignment_;
    void* memory_;
};

template <class... Ts>
class Block {
  public:
    static constexpr std::size_t kAlignment = std::max({kLine, alignof(Ts)...});
    // Whether objects are moved as bytes; memory is then such as tarn_buffer_memory_resize gives.
    static constexpr bool kPlain =
        (std::is_trivially_copyable_v<Ts> && ...) && kAlignment <= TARN_BUFFER_ALIGNMENT_MAX;

    Block() = default;
    // std::bad_alloc when there is no memory, or so many rows cannot be.
    explicit Block(std::size_t rows) {
        const Layout layout(rows);
        place(take(layout.end), layout, rows);
    }
    Block(Block&& from) noexcept : columns_(from.columns_), capacity_(std::exchange(from.capacity_, 0)) {
        from.columns_.fill(nullptr);
    }
    Block& operator=(Block&& from) noexcept {
        swap(from);
        return *this;
    }
    // The objects must have been destroyed.
    ~Block() {
        if constexpr (kPlain)
            tarn_buffer_memory_free(columns_[0]);
        else if (columns_[0])
            ::operator delete (columns_[0], std::align_val_t{kAlignment});
    }
    // Whether extend() is worth while: it is for what the kernel moves, or lets grow where it is.
    bool extends_to(std::size_t rows) const {
        return kPlain && rows > capacity_ && capacity_ > 0 && Layout(capacity_).end >= kExtendedFrom;
    }
    // Room for more rows, of which there are `count`; columns move up, the last one first. As the constructor
    // when there is no memory; nothing has changed then.
    void extend(std::size_t rows, std::size_t count) {
        const Layout before(capacity_), layout(rows);
        char* const memory = take(layout.end, columns_[0], before.end);
        for (std::size_t i = sizeof...(Ts); --i > 0;)
            std::memmove(memory + layout.offsets[i], memory + before.offsets[i], count * kSizes[i]);
        place(memory, layout, rows);
    }
    void swap(Block& other) noexcept {
        columns_.swap(other.columns_);
        std::swap(capacity_, other.capacity_);
    }

    std::size_t capacity() const { return capacity_; }
    void* const* columns() const { return columns_.data(); }

    template <std::size_t I>
    auto* column() const {
        using T = std::tuple_element_t<I, std::tuple<Ts...>>;
        auto* objects = static_cast<T*>(columns_[I]);
        if constexpr (alignof(T) <= kLine)
            return std::assume_aligned<kLine>(objects);
        else
            return objects;
    }

  private:
    static constexpr std::size_t kExtendedFrom = std::size_t{256} << 10;  // bytes
    static constexpr std::array<std::size_t, sizeof...(Ts)> kSizes{sizeof(Ts)...};

    struct Layout {
        explicit Layout(std::size_t rows) {
            for (std::size_t i = 0; i < kSizes.size(); ++i) {
                offsets[i] = end;
                end = after(end, rows, kSizes[i]);
            }
        }
        std::array<std::size_t, sizeof...(Ts)> offsets;
        std::size_t end = 0;
    };
    // `old`, of whose bytes as many are kept, is only given where objects are plain.
    static char* take(std::size_t bytes, [[maybe_unused]] void* old = nullptr,
                      [[maybe_unused]] std::size_t kept = 0) {
        if constexpr (kPlain) {
            std::size_t capacity = std::max(bytes, kLine) - TARN_BUFFER_PADDING;
            void* const memory =
                tarn_buffer_memory_resize(old, kAlignment, kept, &capacity, TARN_BUFFER_DEFAULT);
            if (!memory) throw std::bad_alloc();
            return static_cast<char*>(memory);
        } else {
            return static_cast<char*>(::operator new (bytes, std::align_val_t{kAlignment}));
        }
    }
    void place(char* memory, const Layout& layout, std::size_t rows) {
        for (std::size_t i = 0; i < kSizes.size(); ++i)
            columns_[i] = memory + layout.offsets[i];
        capacity_ = rows;
    }
    static std::size_t after(std::size_t begin, std::size_t rows, std::size_t size) {
        std::size_t bytes, end;
        if (rows > kRowsMost || __builtin_mul_overflow(rows, size, &bytes) ||
            __builtin_add_overflow(begin, bytes, &end) ||
            end > static_cast<std::size_t>(PTRDIFF_MAX) - 2 * kAlignment)
            throw std::bad_alloc();
        if (bytes >= kPage) end += kLine;
        return (end + kAlignment - 1) / kAlignment * kAlignment;
    }

    std::array<void*, sizeof...(Ts)> columns_{};
    std::size_t capacity_ = 0;
};

// The row numbers from `from` on, field by field; each undoes what it did when a later one throws.
template <std::size_t I, class B, class A, class... Rest>
void construct_row(B& block, std::size_t row, A&& argument, Rest&&... rest) {
    auto* object = block.template column<I>() + row;
    std::construct_at(object, std::forward<A>(argument));
    if constexpr (sizeof...(Rest) > 0) {
        try {
            construct_row<I + 1>(block, row, std::forward<Rest>(rest)...);
        } catch (...) {
            std::destroy_at(object);
            throw;
        }
    }
}

// Copies where a move might throw, as std::vector does: the originals are then untouched.
template <class T>
void relocate_objects(T* from, T* to, std::size_t count) {
    if constexpr (std::is_nothrow_move_constructible_v<T> || !std::is_copy_constructible_v<T>)
        std::uninitialized_move_n(from, count, to);
    else
        std::uninitialized_copy_n(from, count, to);
}

// On the way in the columns whose objects may throw, and are therefore copied; on the way back those that are
// moved, when nothing can fail any more.
template <std::size_t I, std::size_t N, class B>
void relocate_columns(const B& from, B& to, std::size_t count) {
    if constexpr (I < N) {
        auto* const old = from.template column<I>();
        auto* const now = to.template column<I>();
        constexpr bool may_throw =
            !std::is_nothrow_move_constructible_v<std::remove_reference_t<decltype(*old)>>;
        if constexpr (may_throw) relocate_objects(old, now, count);
        try {
            relocate_columns<I + 1, N>(from, to, count);
        } catch (...) {
            if constexpr (may_throw) std::destroy_n(now, count);
            throw;
        }
        if constexpr (!may_throw) relocate_objects(old, now, count);
    }
}

template <std::size_t I, std::size_t N, class B, class Fill>
void fill_columns(B& to, std::size_t count, const Fill& fill) {
    if constexpr (I < N) {
        fill.template operator()<I>(to.template column<I>());
        try {
            fill_columns<I + 1, N>(to, count, fill);
        } catch (...) {
            std::destroy_n(to.template column<I>(), count);
            throw;
        }
    }
}

}  // namespace batch_detail
}  // namespace tarn
