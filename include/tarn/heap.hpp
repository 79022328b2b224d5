// SPDX-License-Identifier: MIT
// heap.h for C++20: a Heap that ends with its owner, as a memory resource, and an allocator for containers.
#pragma once
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <stdexcept>
#include <utility>

#include "tarn/heap.h"

namespace tarn {
inline namespace api {

enum class HeapThreads { kOne, kAny };
enum class HeapChecks { kCheap, kFull };

struct HeapOptions {
    std::uint64_t quota = 0;  // usable bytes; 0: none
    std::uint64_t reserve = 0;
    std::uint64_t soft_limit = 0;  // 0: none
    tarn_heap_callback* callback = nullptr;
    void* user = nullptr;
    HeapThreads threads = HeapThreads::kOne;
    HeapChecks checks = HeapChecks::kCheap;
};

// Owns a heap: all of its memory goes when it ends.
// Example:
//     tarn::Heap heap({.quota = 1 << 20});
//     void* line = heap.allocate(100);
//     heap.free(line);
//     if (!heap.try_allocate(2 << 20)) std::puts("refused");
class Heap {
  public:
    explicit Heap(const HeapOptions& options = {}) {
        const std::uint32_t locked = options.threads == HeapThreads::kAny ? TARN_HEAP_LOCKED : 0;
        const std::uint32_t checked = options.checks == HeapChecks::kFull ? TARN_HEAP_CHECKED : 0;
        tarn_heap_options given = TARN_HEAP_OPTIONS_INIT;
        given.flags = locked | checked;
        given.quota = options.quota;
        given.reserve = options.reserve;
        given.soft_limit = options.soft_limit;
        given.callback = options.callback;
        given.user = options.user;
        heap_ = tarn_heap_create(&given, sizeof given);
        if (!heap_) throw std::bad_alloc();
    }
    ~Heap() { tarn_heap_destroy(heap_); }
    Heap(Heap&& other) noexcept : heap_(std::exchange(other.heap_, nullptr)) {}
    Heap& operator=(Heap&& other) noexcept {
        std::swap(heap_, other.heap_);
        return *this;
    }

    // std::bad_alloc when refused.
    [[nodiscard]] void* allocate(std::size_t size, std::size_t alignment = 16) {
        void* const pointer = try_allocate(size, alignment);
        if (!pointer) throw std::bad_alloc();
        return pointer;
    }
    // nullptr when refused.
    [[nodiscard]] void* try_allocate(std::size_t size, std::size_t alignment = 16) noexcept {
        return alignment <= 16 ? tarn_heap_allocate(heap_, size)
                               : tarn_heap_allocate_aligned(heap_, alignment, size);
    }
    void free(void* pointer) noexcept { tarn_heap_free(heap_, pointer); }
    std::size_t usable_size(void* pointer) noexcept { return tarn_heap_usable_size(heap_, pointer); }
    void reset() noexcept { tarn_heap_reset(heap_); }
    std::size_t trim() noexcept { return tarn_heap_trim(heap_); }
    // In profiles; not copied. NULL: none.
    void name(const char* text) noexcept { tarn_heap_name(heap_, text); }

    void set_quota(std::uint64_t quota) noexcept { tarn_heap_set_quota(heap_, quota); }
    void set_soft_limit(std::uint64_t limit) noexcept { tarn_heap_set_soft_limit(heap_, limit); }
    void release_reserve() noexcept { tarn_heap_release_reserve(heap_); }
    bool restore_reserve() noexcept { return tarn_heap_restore_reserve(heap_) == 0; }

    tarn_heap_stats stats() const {
        tarn_heap_stats now;
        if (tarn_heap_stats_get(heap_, &now, sizeof now) != 0)
            throw std::invalid_argument("tarn: Heap::stats");
        return now;
    }
    std::uint64_t live_bytes() const noexcept { return tarn_heap_live_bytes(heap_); }
    tarn_heap* handle() const noexcept { return heap_; }

  private:
    tarn_heap* heap_;
};

// The heap must outlive what uses it. Equal when of the same heap.
// Example:
//     tarn::Heap heap({.quota = 1 << 20});
//     tarn::HeapResource memory(heap);
//     std::pmr::vector<int> numbers(100, &memory);
class HeapResource final : public std::pmr::memory_resource {
  public:
    explicit HeapResource(Heap& heap) noexcept : heap_(heap.handle()) {}
    explicit HeapResource(tarn_heap* heap) noexcept : heap_(heap) {}

  private:
    void* do_allocate(std::size_t size, std::size_t alignment) override {
        void* const pointer = alignment <= 16 ? tarn_heap_allocate(heap_, size)
                                              : tarn_heap_allocate_aligned(heap_, alignment, size);
        if (!pointer) throw std::bad_alloc();
        return pointer;
    }
    void do_deallocate(void* pointer, std::size_t, std::size_t) override { tarn_heap_free(heap_, pointer); }
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        const auto* const same = dynamic_cast<const HeapResource*>(&other);
        return same && same->heap_ == heap_;
    }

    tarn_heap* heap_;
};

template <class T>
class HeapAllocator {
  public:
    using value_type = T;
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;

    HeapAllocator(Heap& heap) noexcept : heap_(heap.handle()) {}
    template <class U>
    HeapAllocator(const HeapAllocator<U>& other) noexcept : heap_(other.handle()) {}

    [[nodiscard]] T* allocate(std::size_t count) {
        if (count > static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T)) throw std::bad_array_new_length();
        void* const pointer = alignof(T) <= 16
                                  ? tarn_heap_allocate(heap_, count * sizeof(T))
                                  : tarn_heap_allocate_aligned(heap_, alignof(T), count * sizeof(T));
        if (!pointer) throw std::bad_alloc();
        return static_cast<T*>(pointer);
    }
    void deallocate(T* pointer, std::size_t) noexcept { tarn_heap_free(heap_, pointer); }
    tarn_heap* handle() const noexcept { return heap_; }

    template <class U>
    bool operator==(const HeapAllocator<U>& other) const noexcept {
        return heap_ == other.handle();
    }

  private:
    tarn_heap* heap_;
};

}  // namespace api
}  // namespace tarn
