// SPDX-License-Identifier: MIT
// ObjectPool: constructed objects that are kept for reuse, for types that cost much to make or that own
// memory worth keeping (buffers, parsers, stacks of a virtual machine). For cheap objects take Pool<T>.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "tarn/pool.h"

namespace tarn {

struct ObjectPoolStats {
    std::uint64_t acquired;  // counter: acquire() calls that succeeded
    std::uint64_t made;      // counter: objects that were constructed
    std::uint64_t reused;    // counter: acquire() calls that were served by an idle object
    std::size_t live;        // now: objects that handles hold
    std::size_t idle;        // now: objects that wait
    double hit_rate() const {
        return acquired == 0 ? 0 : static_cast<double>(reused) / static_cast<double>(acquired);
    }
};

// In the place of std::mutex, for an ObjectPool that one thread uses.
struct NoMutex {
    void lock() noexcept {}
    void unlock() noexcept {}
};

// A handle's end gives its object back: `reset` is run on it, and it waits, constructed, for the next
// acquire(); when `idle_max` objects wait already, or `reset` throws, it is destroyed instead. Any threads
// may call every function at once, and end handles, unless Mutex is NoMutex; `factory` and `reset` are run
// outside the lock. All handles must have ended before the pool does, which destroys the idle objects.
// Example:
//     tarn::ObjectPool<std::string> lines(
//         16, [] { return std::string(); }, [](std::string& line) { line.clear(); });
//     auto line = lines.acquire();
//     *line += "its memory is kept for the next line";
template <class T, class Mutex = std::mutex>
class ObjectPool {
    static_assert(alignof(T) <= 4096, "tarn_pool_create takes no larger alignment");

  public:
    struct Return {
        ObjectPool* pool = nullptr;
        void operator()(T* object) const noexcept { pool->give_back(object); }
    };
    using Handle = std::unique_ptr<T, Return>;

    // Takes memory for idle_max pointers now. std::bad_alloc, std::length_error.
    explicit ObjectPool(std::size_t idle_max) requires std::is_default_constructible_v<T>
        : ObjectPool(idle_max, [] { return T(); }) {}
    explicit ObjectPool(std::size_t idle_max, std::function<T()> factory,
                        std::function<void(T&)> reset = nullptr)
        : idle_max_(idle_max), factory_(std::move(factory)), reset_(std::move(reset)) {
        idle_.reserve(idle_max);
        memory_.reset(tarn_pool_create(sizeof(T), alignof(T), 0));
        if (!memory_) throw std::bad_alloc();
    }
    ~ObjectPool() { clear(); }
    ObjectPool(const ObjectPool&) = delete;
    ObjectPool& operator=(const ObjectPool&) = delete;

    // The object that was given back last, or a new one. std::bad_alloc, and what the factory throws.
    [[nodiscard]] Handle acquire() {
        T* object = take_idle();
        if (!object) {
            object = make();
            const std::lock_guard guard(mutex_);
            ++stats_.acquired, ++stats_.made, ++stats_.live;
        }
        return Handle(object, Return{this});
    }

    // Makes objects until `objects` are idle, no more than idle_max.
    void prefill(std::size_t objects) {
        while (stats().idle < (objects < idle_max_ ? objects : idle_max_)) {
            T* const object = make();
            {
                const std::lock_guard guard(mutex_);
                ++stats_.made;
            }
            keep_or_drop(object);
        }
    }

    // Destroys the idle objects.
    void clear() noexcept {
        while (T* const object = pop())
            drop(object);
        tarn_pool_trim(memory_.get());
    }

    [[nodiscard]] ObjectPoolStats stats() const {
        const std::lock_guard guard(mutex_);
        ObjectPoolStats now = stats_;
        now.idle = idle_.size();
        return now;
    }

  private:
    struct EndPool {
        void operator()(tarn_pool* pool) const noexcept { tarn_pool_destroy(pool); }
    };

    T* take_idle() {
        const std::lock_guard guard(mutex_);
        if (idle_.empty()) return nullptr;
        T* const object = idle_.back();
        idle_.pop_back();
        ++stats_.acquired, ++stats_.reused, ++stats_.live;
        return object;
    }

    T* pop() noexcept {
        const std::lock_guard guard(mutex_);
        if (idle_.empty()) return nullptr;
        T* const object = idle_.back();
        idle_.pop_back();
        return object;
    }

    T* make() {
        void* const memory = tarn_pool_allocate(memory_.get());
        if (!memory) throw std::bad_alloc();
        try {
            return ::new (memory) T(factory_());
        } catch (...) {
            tarn_pool_free(memory_.get(), memory);
            throw;
        }
    }

    void drop(T* object) noexcept {
        object->~T();
        tarn_pool_free(memory_.get(), object);
    }

    // Never grows idle_, so it does not throw.
    void keep_or_drop(T* object) noexcept {
        {
            const std::lock_guard guard(mutex_);
            if (idle_.size() < idle_max_) {
                idle_.push_back(object);
                return;
            }
        }
        drop(object);
    }

    void give_back(T* object) noexcept {
        {
            const std::lock_guard guard(mutex_);
            --stats_.live;
        }
        try {
            if (reset_) reset_(*object);
        } catch (...) {
            return drop(object);
        }
        keep_or_drop(object);
    }

    const std::size_t idle_max_;
    const std::function<T()> factory_;
    const std::function<void(T&)> reset_;
    mutable Mutex mutex_;  // guards idle_ and stats_
    std::vector<T*> idle_;
    ObjectPoolStats stats_{};
    std::unique_ptr<tarn_pool, EndPool> memory_;
};

}  // namespace tarn
