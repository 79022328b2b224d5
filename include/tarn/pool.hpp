// SPDX-License-Identifier: MIT
// Pools for C++. Pool<T>: memory for objects of one type (this file). ObjectPool<T>: constructed objects kept
// for reuse (object_pool.hpp). PoolAllocator<T> and PoolResource: pools under the containers of the standard
// library (pool_allocator.hpp).
#pragma once
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "tarn/object_pool.hpp"
#include "tarn/pool.h"
#include "tarn/pool_allocator.hpp"

namespace tarn {

using PoolStats = tarn_pool_stats;

// kOn: double frees and addresses that are no object of this pool end the program with a message, and every
// call takes a lock.
enum class PoolChecks { kOff, kOn };
#ifdef NDEBUG
constexpr PoolChecks kDefaultPoolChecks = PoolChecks::kOff;
#else
constexpr PoolChecks kDefaultPoolChecks = PoolChecks::kOn;
#endif

// Memory for objects of type T. Any threads may call every function at once, but for moving and destroying
// the pool. std::bad_alloc when there is no memory. A pool that ends frees all its objects at once and runs
// none of their destructors. After a move, the pool moved from may be assigned to or destroyed, nothing else;
// objects stay where they are.
// Example:
//     tarn::Pool<std::pair<int, int>> pool;
//     std::pair<int, int>* place = pool.make(3, 4);
//     pool.destroy(place);
//     auto other = pool.make_unique(5, 6);  // goes back by itself
template <class T>
class Pool {
    static_assert(alignof(T) <= 4096, "tarn_pool_create takes no larger alignment");

  public:
    // Ends one object's life.
    class Deleter {
      public:
        Deleter() = default;
        explicit Deleter(tarn_pool* pool) : pool_(pool) {}
        void operator()(T* object) const noexcept {
            object->~T();
            tarn_pool_free(pool_, object);
        }

      private:
        tarn_pool* pool_ = nullptr;
    };
    using Pointer = std::unique_ptr<T, Deleter>;

    explicit Pool(PoolChecks checks = kDefaultPoolChecks)
        : pool_(tarn_pool_create(sizeof(T), alignof(T),
                                 checks == PoolChecks::kOn ? unsigned{TARN_POOL_CHECKED} : 0u)) {
        if (!pool_) throw std::bad_alloc();
    }
    ~Pool() { tarn_pool_destroy(pool_); }
    Pool(Pool&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)) {}
    Pool& operator=(Pool&& other) noexcept {
        if (this != &other) {
            tarn_pool_destroy(pool_);
            pool_ = std::exchange(other.pool_, nullptr);
        }
        return *this;
    }

    // Memory for one T, aligned for it.
    [[nodiscard]] void* allocate() {
        void* const memory = tarn_pool_allocate(pool_);
        if (!memory) throw std::bad_alloc();
        return memory;
    }
    // Takes back what allocate() gave, whose object has ended; NULL does nothing.
    void free(void* memory) noexcept { tarn_pool_free(pool_, memory); }

    // A T made of the arguments. What its constructor throws comes through, and nothing is lost.
    template <class... Arguments>
    [[nodiscard]] T* make(Arguments&&... arguments) requires std::is_constructible_v<T, Arguments...> {
        return make_in(*this, std::forward<Arguments>(arguments)...);
    }
    // NULL does nothing.
    void destroy(T* object) noexcept {
        if (object) Deleter{pool_}(object);
    }
    // The pool must live longer than the pointer.
    template <class... Arguments>
    [[nodiscard]] Pointer make_unique(
        Arguments&&... arguments) requires std::is_constructible_v<T, Arguments...> {
        return Pointer(make(std::forward<Arguments>(arguments)...), Deleter(pool_));
    }

    // The pool as one thread sees it, for its innermost loops: only that thread may use it, and no longer
    // than the pool's life (tarn_pool_enter).
    class Local {
      public:
        [[nodiscard]] void* allocate() {
            void* const memory = tarn_pool_allocate_by(pool_, local_);
            if (!memory) throw std::bad_alloc();
            return memory;
        }
        void free(void* memory) noexcept { tarn_pool_free_by(pool_, local_, memory); }
        template <class... Arguments>
        [[nodiscard]] T* make(Arguments&&... arguments) requires std::is_constructible_v<T, Arguments...> {
            return make_in(*this, std::forward<Arguments>(arguments)...);
        }
        void destroy(T* object) noexcept {
            if (!object) return;
            object->~T();
            free(object);
        }

      private:
        friend class Pool;
        explicit Local(tarn_pool* pool) noexcept : pool_(pool), local_(tarn_pool_enter(pool)) {}
        tarn_pool* pool_;
        tarn_pool_local* local_;
    };
    [[nodiscard]] Local enter() noexcept { return Local(pool_); }

    // See pool.h for these.
    void reserve(std::size_t objects) {
        if (tarn_pool_reserve(pool_, objects) != 0) throw std::bad_alloc();
    }
    void flush() noexcept { tarn_pool_flush(pool_); }
    std::size_t trim() noexcept { return tarn_pool_trim(pool_); }
    // In profiles; not copied. NULL: none.
    void name(const char* text) noexcept { tarn_pool_name(pool_, text); }
    [[nodiscard]] PoolStats stats() const noexcept {
        PoolStats stats;
        tarn_pool_stats_get(pool_, &stats, sizeof stats);
        return stats;
    }
    [[nodiscard]] tarn_pool* handle() const noexcept { return pool_; }

  private:
    // Memory that goes back when a constructor throws.
    template <class Source>
    struct Memory {
        Source& source;
        void* memory;
        ~Memory() { source.free(memory); }
    };
    template <class Source, class... Arguments>
    static T* make_in(Source& source, Arguments&&... arguments) {
        void* const memory = source.allocate();
        if constexpr (std::is_nothrow_constructible_v<T, Arguments...>) {
            return ::new (memory) T(std::forward<Arguments>(arguments)...);
        } else {
            Memory<Source> guarded{source, memory};
            T* const object = ::new (memory) T(std::forward<Arguments>(arguments)...);
            guarded.memory = nullptr;
            return object;
        }
    }
    tarn_pool* pool_;
};

}  // namespace tarn
