// SPDX-License-Identifier: MIT
//
// An arena whose first chunk lies within it, that is on the stack: for temporary results, the state of a
// parser, small arrays. Nothing is taken from malloc until N bytes are full; everything goes at the end of
// its scope. Creating and ending it costs a few instructions, no call.
#ifndef TARN_SCOPED_ARENA_HPP
#define TARN_SCOPED_ARENA_HPP

#include <cstddef>

#include "tarn/arena.hpp"

namespace tarn {

// Throws as ArenaRef does; a N of more than some 10 KiB asks much of a thread's stack.
// Example:
//     tarn::ScopedArena<4096> arena;
//     const std::string_view text = arena.format("%d of %d", 3, 7);  // on the stack
template <std::size_t N = 1024>
class ScopedArena : public ArenaRef {
  public:
    static_assert(N >= 16, "a buffer for one object at least");
    ScopedArena() noexcept : ArenaRef(&arena_) { tarn_arena_init_buffer(&arena_, buffer_, sizeof buffer_); }
    ~ScopedArena() { tarn_arena_release(&arena_); }
    ScopedArena(const ScopedArena&) = delete;
    ScopedArena& operator=(const ScopedArena&) = delete;

    static constexpr std::size_t capacity_on_stack() noexcept { return sizeof buffer_; }

  private:
    tarn_arena arena_;
    alignas(TARN_ARENA_MALLOC_ALIGNMENT) char buffer_[(N + 15) / 16 * 16];
};

}  // namespace tarn

#endif
