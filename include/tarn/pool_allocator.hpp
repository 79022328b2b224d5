// SPDX-License-Identifier: MIT
// Pools under the containers of the standard library: PoolAllocator<T> for node containers (std::list,
// std::map, std::unordered_map's nodes), PoolResource for those of std::pmr.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>

#include "tarn/pool.h"

namespace tarn {

// Unchecked pools, one for each multiple of 16 bytes up to 512, made when first asked for; for any threads
// at once.
class SizedPools {
  public:
    static constexpr std::size_t kStep = 16, kMostBytes = 512;

    SizedPools() = default;
    ~SizedPools() {
        for (std::atomic<tarn_pool*>& pool : pools_)
            tarn_pool_destroy(pool.load(std::memory_order_acquire));
    }
    SizedPools(const SizedPools&) = delete;
    SizedPools& operator=(const SizedPools&) = delete;

    // One set for the whole process; it is never destroyed.
    static SizedPools& shared() {
        static SizedPools* const pools = new SizedPools;
        return *pools;
    }

    static constexpr bool serves(std::size_t bytes, std::size_t alignment) {
        return bytes <= kMostBytes && alignment <= kStep;
    }
    // For sizes that a pool serves only. std::bad_alloc.
    [[nodiscard]] void* allocate(std::size_t bytes) {
        std::atomic<tarn_pool*>& slot = pools_[index(bytes)];
        tarn_pool* pool = slot.load(std::memory_order_acquire);
        if (!pool) [[unlikely]]
            pool = make(slot, (index(bytes) + 1) * kStep);
        void* const memory = tarn_pool_allocate(pool);
        if (!memory) [[unlikely]]
            throw std::bad_alloc();
        return memory;
    }
    void free(void* memory, std::size_t bytes) noexcept {
        tarn_pool_free(pools_[index(bytes)].load(std::memory_order_acquire), memory);
    }

    // Of every pool; see tarn_pool_trim.
    std::size_t trim() noexcept {
        std::size_t bytes = 0;
        for (std::atomic<tarn_pool*>& slot : pools_)
            if (tarn_pool* const pool = slot.load(std::memory_order_acquire)) bytes += tarn_pool_trim(pool);
        return bytes;
    }
    // The pool for objects of so many bytes; NULL when nobody has asked for any.
    [[nodiscard]] tarn_pool* pool_of(std::size_t bytes) const noexcept {
        return pools_[index(bytes)].load(std::memory_order_acquire);
    }

  private:
    static constexpr std::size_t index(std::size_t bytes) { return bytes == 0 ? 0 : (bytes - 1) / kStep; }

    static tarn_pool* make(std::atomic<tarn_pool*>& slot, std::size_t bytes) {
        tarn_pool* const made = tarn_pool_create(bytes, kStep, 0);
        if (!made) throw std::bad_alloc();
        tarn_pool* first = nullptr;
        if (slot.compare_exchange_strong(first, made, std::memory_order_acq_rel)) return made;
        tarn_pool_destroy(made);  // another thread was first
        return first;
    }

    std::array<std::atomic<tarn_pool*>, kMostBytes / kStep> pools_{};
};

// An allocator (std::allocator_traits) that takes single objects from pools, and arrays and objects that no
// pool serves from std::allocator. The pools must live longer than the container. Two are equal when their
// pools are the same; copies of containers share them, and assignment by move and swap take the allocator
// along.
// Example:
//     std::list<int, tarn::PoolAllocator<int>> numbers;
//     numbers.push_back(7);
template <class T>
class PoolAllocator {
  public:
    using value_type = T;
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;

    PoolAllocator() : pools_(&SizedPools::shared()) {}
    explicit PoolAllocator(SizedPools& pools) noexcept : pools_(&pools) {}
    template <class U>
    PoolAllocator(const PoolAllocator<U>& other) noexcept : pools_(&other.pools()) {}

    [[nodiscard]] T* allocate(std::size_t count) {
        if constexpr (SizedPools::serves(sizeof(T), alignof(T)))
            if (count == 1) return static_cast<T*>(pools_->allocate(sizeof(T)));
        return std::allocator<T>().allocate(count);
    }
    void deallocate(T* object, std::size_t count) noexcept {
        if constexpr (SizedPools::serves(sizeof(T), alignof(T)))
            if (count == 1) return pools_->free(object, sizeof(T));
        std::allocator<T>().deallocate(object, count);
    }
    [[nodiscard]] SizedPools& pools() const noexcept { return *pools_; }

    template <class U>
    friend bool operator==(const PoolAllocator& a, const PoolAllocator<U>& b) noexcept {
        return &a.pools() == &b.pools();
    }

  private:
    SizedPools* pools_;
};

// Pools for requests up to 512 bytes that want no more alignment than 16; everything else goes to `upstream`.
// Any threads at once, if upstream allows it. Like std::pmr's pool resources it frees what it has when it
// ends, but not what upstream gave for large requests: free those.
// Example:
//     tarn::PoolResource pools;
//     std::pmr::list<int> numbers(&pools);
//     numbers.push_back(7);
class PoolResource final : public std::pmr::memory_resource {
  public:
    explicit PoolResource(std::pmr::memory_resource* upstream = std::pmr::get_default_resource()) noexcept
        : upstream_(upstream) {}
    [[nodiscard]] std::pmr::memory_resource* upstream_resource() const noexcept { return upstream_; }
    [[nodiscard]] SizedPools& pools() noexcept { return pools_; }

  private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        if (SizedPools::serves(bytes, alignment)) return pools_.allocate(bytes);
        return upstream_->allocate(bytes, alignment);
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
        if (SizedPools::serves(bytes, alignment)) return pools_.free(memory, bytes);
        upstream_->deallocate(memory, bytes, alignment);
    }
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }

    std::pmr::memory_resource* upstream_;
    SizedPools pools_;
};

}  // namespace tarn
