// SPDX-License-Identifier: MIT
//
// Pools of arenas in C++; tarn/arena_pool.h says what they are. Any threads at once, but for the pool's end.
#ifndef TARN_ARENA_POOL_HPP
#define TARN_ARENA_POOL_HPP

#include <cstddef>
#include <new>
#include <utility>

#include "tarn/arena.hpp"
#include "tarn/arena_pool.h"

namespace tarn {

// An arena of a pool, given back at the end of its scope. The pool must outlive it. Move-only; one that was
// moved from may only be assigned to or destroyed.
class PooledArena : public ArenaRef {
  public:
    PooledArena(PooledArena&& other) noexcept : ArenaRef(other.handle()), pool_(other.pool_) {
        other.set_handle(nullptr);
    }
    PooledArena& operator=(PooledArena&& other) noexcept {
        if (this != &other) {
            tarn_arena_pool_release(pool_, handle());
            pool_ = other.pool_;
            set_handle(other.handle());
            other.set_handle(nullptr);
        }
        return *this;
    }
    ~PooledArena() { tarn_arena_pool_release(pool_, handle()); }

  private:
    friend class ArenaPool;
    PooledArena(tarn_arena_pool* pool, tarn_arena* arena) noexcept : ArenaRef(arena), pool_(pool) {}
    tarn_arena_pool* pool_;
};

// How many arenas wait in a pool at most, and how they grow.
struct ArenaPoolLimits {
    std::size_t idle_arenas = 64;
    std::size_t idle_bytes = std::size_t{16} << 20;
    std::size_t first_chunk = 0;    // as for tarn_arena_create
    std::size_t largest_chunk = 0;  // likewise
};

// Owns a pool of arenas.
// Example:
//     tarn::ArenaPool pool;
//     {
//         tarn::PooledArena arena = pool.acquire();  // for one request
//         std::string_view path = arena.string("/index.html");
//     }  // the arena is back in the pool
class ArenaPool {
  public:
    explicit ArenaPool(const ArenaPoolLimits& limits = {})
        : handle_(tarn_arena_pool_create(limits.idle_arenas, limits.idle_bytes, limits.first_chunk,
                                         limits.largest_chunk)) {
        if (!handle_) throw std::bad_alloc();
    }
    ArenaPool(const ArenaPool&) = delete;
    ArenaPool& operator=(const ArenaPool&) = delete;
    ~ArenaPool() { tarn_arena_pool_destroy(handle_); }

    tarn_arena_pool* handle() const noexcept { return handle_; }

    // An empty arena; std::bad_alloc.
    [[nodiscard]] PooledArena acquire() {
        return {handle_, static_cast<tarn_arena*>(detail::found(tarn_arena_pool_acquire(handle_)))};
    }
    std::size_t trim() noexcept { return tarn_arena_pool_trim(handle_); }
    tarn_arena_pool_stats statistics() const noexcept {
        tarn_arena_pool_stats stats{};
        tarn_arena_pool_stats_get(handle_, &stats, sizeof stats);
        return stats;
    }

  private:
    tarn_arena_pool* handle_;
};

}  // namespace tarn

#endif
