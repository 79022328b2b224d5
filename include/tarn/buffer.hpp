// SPDX-License-Identifier: MIT
//
// Aligned memory for SIMD code in C++20:
//   AlignedBuffer<T, Alignment>     a growing array with zero padding behind it (buffer.h has the promises)
//   AlignedAllocator<T, Alignment>  for containers of the standard library
//   AlignedResource                 the same as a std::pmr::memory_resource
// Memory from the last two can be read and written for 64 bytes behind what was asked for; its padding has
// any value. Alignments are in bytes, powers of two up to 4096. Where there is no memory, std::bad_alloc is
// thrown, and what the function was called on is as it was. One thread at a time per object, but
// AlignedResource and AlignedAllocator are for any threads at once.
#pragma once
#include <cstddef>
#include <cstring>

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <memory_resource>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "tarn/buffer.h"

namespace tarn {

enum class BufferPages : unsigned {
    kOrdinary = TARN_BUFFER_DEFAULT,
    kHuge = TARN_BUFFER_HUGE_PAGES,  // a hint: for buffers from 4 MiB on, where the kernel has them
};

// An array of T whose first element is at a multiple of Alignment; the 64 bytes behind its last element may
// be read and are zero after every function here. Elements are moved as bytes.
// Example:
//     tarn::AlignedBuffer<float> samples;
//     samples.push_back(0.5f);
//     for (float& sample : samples)
//         sample *= 2;
template <typename T, std::size_t Alignment = 64>
class AlignedBuffer {
    static_assert(std::is_trivially_copyable_v<T>, "elements are moved as bytes");
    static_assert(std::is_nothrow_default_constructible_v<T>, "resize makes new elements");
    static_assert(Alignment >= alignof(T) && Alignment <= TARN_BUFFER_ALIGNMENT_MAX &&
                      (Alignment & (Alignment - 1)) == 0,
                  "a power of two, at least T's own, up to 4096");

  public:
    using value_type = T;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using reference = T&;
    using const_reference = const T&;
    using iterator = T*;
    using const_iterator = const T*;
    static constexpr std::size_t kAlignment = Alignment;
    static constexpr std::size_t kPadding = TARN_BUFFER_PADDING;  // bytes

    AlignedBuffer() = default;
    explicit AlignedBuffer(BufferPages pages) : pages_(pages) {}
    // Elements as by T().
    explicit AlignedBuffer(std::size_t size, BufferPages pages = BufferPages::kOrdinary) : pages_(pages) {
        resize(size);
    }
    explicit AlignedBuffer(std::span<const T> elements, BufferPages pages = BufferPages::kOrdinary)
        : pages_(pages) {
        append(elements);
    }
    AlignedBuffer(AlignedBuffer&& from) noexcept { swap(from); }
    AlignedBuffer& operator=(AlignedBuffer&& from) noexcept {
        AlignedBuffer(std::move(from)).swap(*this);
        return *this;
    }
    ~AlignedBuffer() { tarn_buffer_memory_free(data_); }
    // A copy costs as much as it looks.
    [[nodiscard]] AlignedBuffer clone() const {
        AlignedBuffer copy(pages_);
        copy.append(span());
        return copy;
    }

    T* data() noexcept { return std::assume_aligned<Alignment>(data_); }
    const T* data() const noexcept { return std::assume_aligned<Alignment>(data_); }
    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }
    bool empty() const noexcept { return size_ == 0; }
    T& operator[](std::size_t i) noexcept { return data()[i]; }
    const T& operator[](std::size_t i) const noexcept { return data()[i]; }
    T& front() noexcept { return data()[0]; }
    const T& front() const noexcept { return data()[0]; }
    T& back() noexcept { return data()[size_ - 1]; }
    const T& back() const noexcept { return data()[size_ - 1]; }
    T* begin() noexcept { return data(); }
    T* end() noexcept { return data_ + size_; }
    const T* begin() const noexcept { return data(); }
    const T* end() const noexcept { return data_ + size_; }
    std::span<T> span() noexcept { return {data(), size_}; }
    std::span<const T> span() const noexcept { return {data(), size_}; }
    std::string_view view() const noexcept requires(sizeof(T) == 1) {
        return {reinterpret_cast<const char*>(data_), size_};
    }

    void reserve(std::size_t capacity) {
        if (capacity > capacity_ && !set_capacity(capacity)) throw std::bad_alloc();
    }
    // New elements as by T().
    void resize(std::size_t size) {
        const std::size_t before = size_;
        resize_uninitialized(size);
        if (size > before) std::uninitialized_value_construct_n(data_ + before, size - before);
    }
    // New elements have any value.
    void resize_uninitialized(std::size_t size) {
        if (size > capacity_) grow(size);
        set_size(size);
    }
    // Room at the end, to be written by the caller; what is not needed goes by truncate.
    std::span<T> extend(std::size_t count) {
        const std::size_t before = size_;
        resize_uninitialized(sum(size_, count));
        return {data_ + before, count};
    }
    void truncate(std::size_t size) noexcept {
        if (size < size_) set_size(size);
    }
    void clear() noexcept { truncate(0); }
    void push_back(const T& element) {
        const T copy = element;  // it may be one of the contents, which move
        if (size_ == ready_) [[unlikely]]
            make_ready();
        std::memcpy(static_cast<void*>(data_ + size_), &copy, sizeof(T));
        ++size_;
    }
    void pop_back() noexcept { set_size(size_ - 1); }
    // The elements may lie in the contents.
    void append(std::span<const T> elements) {
        if (elements.empty()) return;
        const T* from = elements.data();
        if (elements.size() > capacity_ - size_) {
            const bool own = !std::less<>{}(from, data_) && std::less<>{}(from, data_ + size_);
            const std::ptrdiff_t offset = own ? from - data_ : 0;
            grow(sum(size_, elements.size()));
            if (own) from = data_ + offset;
        }
        std::memcpy(static_cast<void*>(data_ + size_), from, elements.size_bytes());
        set_size(size_ + elements.size());
    }
    template <typename Text>
    requires(sizeof(T) == 1 &&
             std::is_convertible_v<const Text&, std::string_view>) void append(const Text& characters) {
        const std::string_view text = characters;
        append(std::span<const T>(reinterpret_cast<const T*>(text.data()), text.size()));
    }
    // As tarn_buffer_shrink_to_fit: memory that is not needed goes back where that can be done.
    void shrink_to_fit() noexcept {
        if (size_ == 0)
            tarn_buffer_memory_free(release());
        else
            set_capacity(size_);
    }
    // The memory, for std::free; the buffer is empty.
    [[nodiscard]] T* release() noexcept {
        size_ = ready_ = capacity_ = 0;
        return std::exchange(data_, nullptr);
    }
    void swap(AlignedBuffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(ready_, other.ready_);
        std::swap(capacity_, other.capacity_);
        std::swap(pages_, other.pages_);
    }
    friend void swap(AlignedBuffer& one, AlignedBuffer& other) noexcept { one.swap(other); }
    friend bool operator==(const AlignedBuffer& one, const AlignedBuffer& other) {
        return std::equal(one.begin(), one.end(), other.begin(), other.end());
    }

  private:
    static constexpr std::size_t kReadyBytes = 256;

    char* bytes() noexcept { return reinterpret_cast<char*>(data_); }
    void set_size(std::size_t size) noexcept {
        size_ = ready_ = size;
        if (data_) std::memset(bytes() + size * sizeof(T), 0, kPadding);
    }
    // Room for at least one more element, and zeros for it and for a few after it.
    [[gnu::noinline]] void make_ready() {
        if (size_ == capacity_) grow(size_ + 1);
        ready_ = size_ + std::min(capacity_ - size_, kReadyBytes / sizeof(T) + 1);
        std::memset(bytes() + size_ * sizeof(T), 0, (ready_ - size_) * sizeof(T) + kPadding);
    }
    static std::size_t sum(std::size_t one, std::size_t other) {
        if (one > std::numeric_limits<std::size_t>::max() - other) throw std::bad_alloc();
        return one + other;
    }
    bool set_capacity(std::size_t capacity) noexcept {
        if (capacity > std::numeric_limits<std::size_t>::max() / sizeof(T)) return false;
        std::size_t room = capacity * sizeof(T);
        void* memory = tarn_buffer_memory_resize(data_, Alignment, size_ * sizeof(T), &room,
                                                 static_cast<unsigned>(pages_));
        if (!memory) return false;
        data_ = static_cast<T*>(memory);
        capacity_ = room / sizeof(T);
        set_size(size_);
        return true;
    }
    [[gnu::noinline]] void grow(std::size_t needed) {
        if (needed > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_alloc();
        const std::size_t wanted =
            tarn_buffer_memory_growth(capacity_ * sizeof(T), needed * sizeof(T)) / sizeof(T);
        if (!set_capacity(wanted) && !set_capacity(needed)) throw std::bad_alloc();
    }

    T* data_ = nullptr;
    // In elements: size_ <= ready_ <= capacity_; from size_ to ready_, and in the padding, all is 0.
    std::size_t size_ = 0, ready_ = 0, capacity_ = 0;
    BufferPages pages_ = BufferPages::kOrdinary;
};

// Memory for containers of the standard library. Stateless.
template <typename T, std::size_t Alignment = 64>
struct AlignedAllocator {
    using value_type = T;
    template <typename U>
    struct rebind {
        using other = AlignedAllocator<U, Alignment>;
    };
    AlignedAllocator() = default;
    template <typename U>
    AlignedAllocator(const AlignedAllocator<U, Alignment>&) noexcept {}

    [[nodiscard]] T* allocate(std::size_t count) {
        static_assert(alignof(T) <= Alignment);
        if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
        std::size_t bytes = count * sizeof(T);
        void* memory = tarn_buffer_memory_resize(nullptr, Alignment, 0, &bytes, TARN_BUFFER_DEFAULT);
        if (!memory) throw std::bad_alloc();
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, std::size_t) noexcept { tarn_buffer_memory_free(memory); }
    template <typename U>
    bool operator==(const AlignedAllocator<U, Alignment>&) const noexcept {
        return true;
    }
};

// The same for std::pmr containers: blocks aligned to `alignment`, or to what is asked for when that is more.
class AlignedResource final : public std::pmr::memory_resource {
  public:
    explicit AlignedResource(std::size_t alignment = 64, BufferPages pages = BufferPages::kOrdinary)
        : alignment_(alignment), pages_(pages) {}
    std::size_t alignment() const noexcept { return alignment_; }

  private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        void* memory = tarn_buffer_memory_resize(nullptr, std::max(alignment, alignment_), 0, &bytes,
                                                 static_cast<unsigned>(pages_));
        if (!memory) throw std::bad_alloc();
        return memory;
    }
    void do_deallocate(void* memory, std::size_t, std::size_t) override { tarn_buffer_memory_free(memory); }
    // Memory of one can be freed by any other.
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return dynamic_cast<const AlignedResource*>(&other) != nullptr;
    }

    std::size_t alignment_;
    BufferPages pages_;
};

}  // namespace tarn
