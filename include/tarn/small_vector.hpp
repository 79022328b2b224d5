// SPDX-License-Identifier: MIT
//
// SmallVector<T, N>: a std::vector whose first N elements lie within it; more come from operator new.
//
// Interface, complexity and exceptions are std::vector's, with these differences: moving and swapping move
// elements while they lie within (and so iterators become invalid); there is no allocator; it cannot be used
// in constant expressions. What grows it (push_back, emplace_back, reserve, resize, append) has the strong
// exception guarantee when T's move constructor does not throw or T can be copied; emplace and insert have it
// where they append, and otherwise leave valid elements.
#ifndef TARN_SMALL_VECTOR_HPP
#define TARN_SMALL_VECTOR_HPP

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace tarn {

// Example:
//     tarn::SmallVector<int, 8> numbers{1, 2, 3};  // no memory of malloc's
//     numbers.push_back(4);
template <class T, std::size_t N>
class SmallVector {
    static_assert(N > 0 && std::is_object_v<T> && !std::is_const_v<T>);

  public:
    using value_type = T;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = T&;
    using const_reference = const T&;
    using pointer = T*;
    using const_pointer = const T*;
    using iterator = T*;
    using const_iterator = const T*;
    using reverse_iterator = std::reverse_iterator<iterator>;
    using const_reverse_iterator = std::reverse_iterator<const_iterator>;

    SmallVector() noexcept = default;
    explicit SmallVector(size_type count) : SmallVector() { resize(count); }
    SmallVector(size_type count, const T& value) : SmallVector() { assign(count, value); }
    template <std::input_iterator Iterator, std::sentinel_for<Iterator> Sentinel>
    SmallVector(Iterator first, Sentinel last) : SmallVector() {
        append(std::move(first), last);
    }
    SmallVector(std::initializer_list<T> values) : SmallVector(values.begin(), values.end()) {}
    SmallVector(const SmallVector& other) : SmallVector(other.begin(), other.end()) {}
    SmallVector(SmallVector&& other) noexcept(std::is_nothrow_move_constructible_v<T>) { take(other); }
    ~SmallVector() {
        std::destroy_n(data_, size_);
        give_back();
    }

    SmallVector& operator=(const SmallVector& other) {
        if (this != &other) assign(other.begin(), other.end());
        return *this;
    }
    SmallVector& operator=(SmallVector&& other) noexcept(std::is_nothrow_move_constructible_v<T>) {
        if (this == &other) return *this;
        clear();
        if (other.is_inline() && other.size_ <= capacity_) {
            move_elements(other);
        } else {
            give_back();
            take(other);
        }
        return *this;
    }
    SmallVector& operator=(std::initializer_list<T> values) {
        assign(values.begin(), values.end());
        return *this;
    }

    void assign(size_type count, const T& value) {
        SmallVector copies;  // `value` may be one of ours, and a constructor may throw
        copies.reserve(count);
        std::uninitialized_fill_n(copies.data_, count, value);
        copies.size_ = count;
        *this = std::move(copies);
    }
    template <std::input_iterator Iterator, std::sentinel_for<Iterator> Sentinel>
    void assign(Iterator first, Sentinel last) {
        SmallVector copies(std::move(first), last);
        *this = std::move(copies);
    }
    void assign(std::initializer_list<T> values) { assign(values.begin(), values.end()); }

    iterator begin() noexcept { return data_; }
    const_iterator begin() const noexcept { return data_; }
    const_iterator cbegin() const noexcept { return data_; }
    iterator end() noexcept { return data_ + size_; }
    const_iterator end() const noexcept { return data_ + size_; }
    const_iterator cend() const noexcept { return data_ + size_; }
    reverse_iterator rbegin() noexcept { return reverse_iterator(end()); }
    const_reverse_iterator rbegin() const noexcept { return const_reverse_iterator(end()); }
    const_reverse_iterator crbegin() const noexcept { return const_reverse_iterator(end()); }
    reverse_iterator rend() noexcept { return reverse_iterator(begin()); }
    const_reverse_iterator rend() const noexcept { return const_reverse_iterator(begin()); }
    const_reverse_iterator crend() const noexcept { return const_reverse_iterator(begin()); }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    size_type size() const noexcept { return size_; }
    size_type capacity() const noexcept { return capacity_; }
    static constexpr size_type max_size() noexcept { return PTRDIFF_MAX / sizeof(T); }
    static constexpr size_type inline_capacity() noexcept { return N; }
    bool is_inline() const noexcept { return data_ == storage(); }

    T* data() noexcept { return data_; }
    const T* data() const noexcept { return data_; }
    T& operator[](size_type i) noexcept { return data_[i]; }
    const T& operator[](size_type i) const noexcept { return data_[i]; }
    T& at(size_type i) { return data_[checked(i)]; }
    const T& at(size_type i) const { return data_[checked(i)]; }
    T& front() noexcept { return data_[0]; }
    const T& front() const noexcept { return data_[0]; }
    T& back() noexcept { return data_[size_ - 1]; }
    const T& back() const noexcept { return data_[size_ - 1]; }

    void reserve(size_type count) {
        if (count > capacity_) move_to(Block(count), 0);
    }
    void shrink_to_fit() {
        if (is_inline() || size_ == capacity_) return;
        if (size_ > N) return move_to(Block(size_), 0);
        T* old = data_;
        const size_type old_capacity = capacity_;
        relocate(old, storage());
        data_ = storage();
        capacity_ = N;
        std::allocator<T>().deallocate(old, old_capacity);
    }
    void clear() noexcept {
        std::destroy_n(data_, size_);
        size_ = 0;
    }
    void resize(size_type count) {
        resize_with(count, [](T* at, size_type more) { std::uninitialized_value_construct_n(at, more); });
    }
    void resize(size_type count, const T& value) {
        resize_with(count, [&](T* at, size_type more) { std::uninitialized_fill_n(at, more, value); });
    }

    void push_back(const T& value) {
        if constexpr (kByValue)
            push_back_copy(value);
        else
            emplace_back(value);
    }
    void push_back(T&& value) {
        if constexpr (kByValue)
            push_back_copy(value);
        else
            emplace_back(std::move(value));
    }
    template <class... Arguments>
    T& emplace_back(Arguments&&... arguments) requires std::is_constructible_v<T, Arguments...> {
        const size_type size = size_;  // the same written in both cases: it stays in a register in loops
        T* at;
        if (size == capacity_) [[unlikely]]
            at = emplace_growing(std::forward<Arguments>(arguments)...);
        else
            at = std::construct_at(data_ + size, std::forward<Arguments>(arguments)...);
        size_ = size + 1;
        return *at;
    }
    void pop_back() noexcept { std::destroy_at(data_ + --size_); }

    // At the end; all or nothing. The elements must not be this vector's own.
    template <std::input_iterator Iterator, std::sentinel_for<Iterator> Sentinel>
    void append(Iterator first, Sentinel last) {
        if constexpr (std::forward_iterator<Iterator>) {
            const auto more = static_cast<size_type>(std::ranges::distance(first, last));
            reserve_more(more);
            std::uninitialized_copy(first, std::ranges::next(first, last), data_ + size_);
            size_ += more;
        } else {
            Truncate rollback{this, size_};
            for (; first != last; ++first)
                emplace_back(*first);
            rollback.size = size_;
        }
    }
    template <std::ranges::input_range Range>
    void append_range(Range&& range) {
        append(std::ranges::begin(range), std::ranges::end(range));
    }

    template <class... Arguments>
    iterator emplace(const_iterator position,
                     Arguments&&... arguments) requires std::is_constructible_v<T, Arguments...> {
        const size_type at = index(position);
        if (at == size_) return &emplace_back(std::forward<Arguments>(arguments)...);
        T value(std::forward<Arguments>(arguments)...);  // which may refer to an element
        emplace_back(std::move(back()));
        std::move_backward(data_ + at, data_ + size_ - 2, data_ + size_ - 1);
        data_[at] = std::move(value);
        return data_ + at;
    }
    iterator insert(const_iterator position, const T& value) { return emplace(position, value); }
    iterator insert(const_iterator position, T&& value) { return emplace(position, std::move(value)); }
    iterator insert(const_iterator position, size_type count, const T& value) {
        const size_type at = index(position), old_size = size_;
        resize(size_ + checked_more(count), value);
        return rotate_in(at, old_size);
    }
    // The elements must not be this vector's own.
    template <std::input_iterator Iterator, std::sentinel_for<Iterator> Sentinel>
    iterator insert(const_iterator position, Iterator first, Sentinel last) {
        const size_type at = index(position), old_size = size_;
        append(std::move(first), last);
        return rotate_in(at, old_size);
    }
    iterator insert(const_iterator position, std::initializer_list<T> values) {
        return insert(position, values.begin(), values.end());
    }

    iterator erase(const_iterator position) { return erase(position, position + 1); }
    iterator erase(const_iterator first, const_iterator last) {
        T *at = data_ + index(first), *rest = data_ + index(last);
        if (at == rest) return at;
        T* new_end = std::move(rest, end(), at);
        std::destroy(new_end, end());
        size_ = static_cast<size_type>(new_end - data_);
        return at;
    }

    void swap(SmallVector& other) noexcept(std::is_nothrow_move_constructible_v<T>) {
        SmallVector third(std::move(other));
        other = std::move(*this);
        *this = std::move(third);
    }
    friend void swap(SmallVector& a, SmallVector& b) noexcept(noexcept(a.swap(b))) { a.swap(b); }

    template <std::size_t M>
    bool operator==(const SmallVector<T, M>& other) const {
        return std::equal(begin(), end(), other.begin(), other.end());
    }
    template <std::size_t M>
    auto operator<=>(const SmallVector<T, M>& other) const requires std::three_way_comparable<T> {
        return std::lexicographical_compare_three_way(begin(), end(), other.begin(), other.end());
    }

  private:
    // Memory from operator new, until it is the vector's.
    struct Block {
        T* data;
        size_type capacity;
        explicit Block(size_type count) : data(nullptr), capacity(count) {
            if (count > max_size()) throw std::length_error("SmallVector");
            data = std::allocator<T>().allocate(count);
        }
        Block(const Block&) = delete;
        ~Block() {
            if (data) std::allocator<T>().deallocate(data, capacity);
        }
    };
    // Cuts off what came after `size` when an exception passes.
    struct Truncate {
        SmallVector* vector;
        size_type size;
        ~Truncate() {
            std::destroy(vector->data_ + size, vector->end());
            vector->size_ = size;
        }
    };
    // Destroys new elements in a block when moving the old ones there throws.
    struct Destroy {
        T* objects;
        size_type count;
        ~Destroy() { std::destroy_n(objects, count); }
    };

    T* storage() noexcept { return reinterpret_cast<T*>(storage_); }
    const T* storage() const noexcept { return reinterpret_cast<const T*>(storage_); }
    size_type index(const_iterator position) const noexcept {
        return static_cast<size_type>(position - data_);
    }
    size_type checked(size_type i) const {
        if (i >= size_) throw std::out_of_range("SmallVector::at");
        return i;
    }
    size_type checked_more(size_type more) const {
        if (more > max_size() - size_) throw std::length_error("SmallVector");
        return more;
    }
    size_type grown(size_type more) const {
        return std::max(size_ + checked_more(more), std::min(2 * capacity_, max_size()));
    }
    void reserve_more(size_type more) {
        if (more > capacity_ - size_) move_to(Block(grown(more)), 0);
    }

    // Moves all elements from `from` to raw memory at `to`; when that may throw, copies, and `from` stays.
    void relocate(T* from, T* to) {
        if constexpr (std::is_nothrow_move_constructible_v<T> || !std::is_copy_constructible_v<T>)
            std::uninitialized_move_n(from, size_, to);
        else
            std::uninitialized_copy_n(from, size_, to);
        std::destroy_n(from, size_);
    }
    // The block becomes the vector's. It holds `more` new elements behind where the old ones go.
    void move_to(Block&& block, size_type more) {
        Destroy rollback{block.data + size_, more};
        relocate(data_, block.data);
        rollback.count = 0;
        give_back();
        data_ = std::exchange(block.data, nullptr);
        capacity_ = block.capacity;
        size_ += more;
    }
    static constexpr bool kByValue = std::is_trivially_copyable_v<T> && sizeof(T) <= 2 * sizeof(void*);
    // The value has no address that it would have to be kept at.
    void push_back_copy(T value) {
        const size_type size = size_;
        if (size == capacity_) [[unlikely]]
            grow();
        std::construct_at(data_ + size, value);
        size_ = size + 1;
    }
    [[gnu::noinline]] void grow() { move_to(Block(grown(1)), 0); }

    // Out of line, and the new element first: an argument may refer to an old one.
    template <class... Arguments>
    [[gnu::noinline]] T* emplace_growing(Arguments&&... arguments) {
        Block block(grown(1));
        std::construct_at(block.data + size_, std::forward<Arguments>(arguments)...);
        move_to(std::move(block), 1);
        return &back();
    }
    template <class Construct>
    void resize_with(size_type count, Construct construct) {
        if (count <= size_) {
            std::destroy(data_ + count, end());
            size_ = count;
        } else if (count <= capacity_) {
            construct(data_ + size_, count - size_);
            size_ = count;
        } else {
            Block block(grown(count - size_));
            construct(block.data + size_, count - size_);
            move_to(std::move(block), count - size_);
        }
    }
    iterator rotate_in(size_type at, size_type old_size) {
        std::rotate(data_ + at, data_ + old_size, end());
        return data_ + at;
    }

    // This one is empty and has room; the other becomes empty.
    void move_elements(SmallVector& other) {
        std::uninitialized_move_n(other.data_, other.size_, data_);
        size_ = other.size_;
        other.clear();
    }
    // This one is empty, and what it points to is given back.
    void take(SmallVector& other) {
        data_ = storage();
        capacity_ = N;
        if (other.is_inline()) return move_elements(other);
        data_ = std::exchange(other.data_, other.storage());
        capacity_ = std::exchange(other.capacity_, N);
        size_ = std::exchange(other.size_, 0);
    }
    void give_back() noexcept {
        if (!is_inline()) std::allocator<T>().deallocate(data_, capacity_);
    }

    T* data_ = storage();
    size_type size_ = 0;
    size_type capacity_ = N;
    alignas(T) std::byte storage_[N * sizeof(T)];
};

template <class T, std::size_t N, class Predicate>
std::size_t erase_if(SmallVector<T, N>& vector, Predicate predicate) {
    const auto kept = std::remove_if(vector.begin(), vector.end(), std::move(predicate));
    const auto erased = static_cast<std::size_t>(vector.end() - kept);
    vector.erase(kept, vector.end());
    return erased;
}
template <class T, std::size_t N, class Value>
std::size_t erase(SmallVector<T, N>& vector, const Value& value) {
    return erase_if(vector, [&](const T& element) { return element == value; });
}

}  // namespace tarn

#endif
