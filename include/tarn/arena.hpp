// SPDX-License-Identifier: MIT
//
// Arenas in C++; tarn/arena.h says what an arena is. Arena owns one; ArenaRef is what functions take: a
// handle of somebody's arena, with everything that can be done in it. Functions that hand out memory throw
// std::bad_alloc when there is none, those that begin with try_ return nullptr. One thread at a time.
#ifndef TARN_ARENA_HPP
#define TARN_ARENA_HPP

#include <algorithm>
#include <cstdarg>
#include <cstddef>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "tarn/arena.h"

namespace tarn {

// Whether an object's destructor runs when the arena is rewound past the object. What a type wants by default
// is said by ArenaTraits, which programs may specialise; trivial destructors are never run and cost nothing.
enum class Destructor { kRun, kSkip };

template <class T>
struct ArenaTraits {
    static constexpr Destructor kDestructor =
        std::is_trivially_destructible_v<T> ? Destructor::kSkip : Destructor::kRun;
};

namespace detail {

// In front of an object or array whose destructors run. `count` is set before it is registered.
template <class T>
struct ArenaOwned {
    tarn_arena_cleanup cleanup;
    std::size_t count;
    T* objects;
    static void destroy(void* context) noexcept {
        const auto* owned = static_cast<ArenaOwned*>(context);
        for (std::size_t i = owned->count; i > 0; --i)
            std::destroy_at(owned->objects + i - 1);
    }
};

// By a constructor, or else as an aggregate. Its destructor is not asked for: it may never run.
template <class T, class... Arguments>
concept ArenaMakes = std::is_constructible_v<T, Arguments...> ||
    requires(void* memory, Arguments&&... arguments) {
    ::new (memory) T{std::forward<Arguments>(arguments)...};
};

template <class T, Destructor kDestructor>
inline constexpr bool kRunsDestructor =
    kDestructor == Destructor::kRun && !std::is_trivially_destructible_v<T>;

inline void* found(void* memory) {
    if (!memory) [[unlikely]]
        throw std::bad_alloc();
    return memory;
}

}  // namespace detail

// Copies are of the handle.
class ArenaRef {
  public:
    using Mark = tarn_arena_mark;

    ArenaRef(tarn_arena* handle) noexcept : handle_(handle) {}
    tarn_arena* handle() const noexcept { return handle_; }

    // Not cleared. `alignment` is a power of two, or else nullptr / std::bad_alloc.
    [[nodiscard]] void* try_allocate(std::size_t size,
                                     std::size_t alignment = alignof(std::max_align_t)) const noexcept {
        return tarn_arena_allocate(handle_, size, alignment);
    }
    [[nodiscard]] void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) const {
        return detail::found(try_allocate(size, alignment));
    }

    // A new T. When its constructor throws, nothing remains but at most its memory.
    template <class T, Destructor kDestructor = ArenaTraits<T>::kDestructor, class... Arguments>
    T* make(Arguments&&... arguments) const requires detail::ArenaMakes<T, Arguments...> {
        if constexpr (!detail::kRunsDestructor<T, kDestructor>) {
            return construct<T>(allocate(sizeof(T), alignof(T)), std::forward<Arguments>(arguments)...);
        } else {
            auto [owned, memory] = allocate_owned<T>(1);
            owned->objects = construct<T>(memory, std::forward<Arguments>(arguments)...);
            push(owned, 1);
            return owned->objects;
        }
    }

    // `count` objects, value-initialised (numbers are 0).
    template <class T, Destructor kDestructor = ArenaTraits<T>::kDestructor>
    std::span<T> make_array(std::size_t count) const requires std::is_default_constructible_v<T> {
        return build_array<T, kDestructor>(
            count, [count](T* at) { std::uninitialized_value_construct_n(at, count); });
    }

    // Copies of these objects.
    template <class T, std::size_t kExtent>
    std::span<std::remove_const_t<T>> copy(
        std::span<T, kExtent> objects) const requires std::is_constructible_v<std::remove_const_t<T>, T&> {
        using Object = std::remove_const_t<T>;
        return build_array<Object, ArenaTraits<Object>::kDestructor>(objects.size(), [objects](Object* at) {
            std::uninitialized_copy(objects.begin(), objects.end(), at);
        });
    }

    // A copy of the text, terminated by a NUL that is not part of the view.
    std::string_view string(std::string_view text) const {
        return {static_cast<char*>(detail::found(tarn_arena_string(handle_, text.data(), text.size()))),
                text.size()};
    }

    // The text that printf would print; likewise.
    __attribute__((format(printf, 2, 3))) std::string_view format(const char* format, ...) const {
        std::size_t length = 0;
        std::va_list arguments;
        va_start(arguments, format);
        char* text = tarn_arena_vformat(handle_, &length, format, arguments);
        va_end(arguments);
        return {static_cast<char*>(detail::found(text)), length};
    }

    // The last object, larger or smaller where it is; false when it is not the last or there is no room.
    template <class T>
    [[nodiscard]] bool extend(std::span<T> objects, std::size_t count) const noexcept {
        static_assert(std::is_trivially_copyable_v<T>);
        return count <= kMost / sizeof(T) &&
               tarn_arena_extend(handle_, objects.data(), objects.size_bytes(), count * sizeof(T)) == 0;
    }
    // The array with `count` objects, where it is or moved; new ones are not initialised.
    template <class T>
    std::span<T> resize(std::span<T> objects, std::size_t count) const {
        static_assert(std::is_trivially_copyable_v<T>);
        if (count > kMost / sizeof(T)) throw std::bad_alloc();
        void* memory =
            tarn_arena_resize(handle_, objects.data(), objects.size_bytes(), count * sizeof(T), alignof(T));
        return {static_cast<T*>(detail::found(memory)), count};
    }

    // See tarn_arena_on_rewind.
    void on_rewind(void (*run)(void* context), void* context) const {
        if (tarn_arena_on_rewind(handle_, run, context) != 0) throw std::bad_alloc();
    }

    [[nodiscard]] Mark mark() const noexcept { return tarn_arena_mark_get(handle_); }
    void rewind(Mark mark) const noexcept { tarn_arena_rewind(handle_, mark); }
    void reset() const noexcept { tarn_arena_reset(handle_); }
    // In profiles; not copied. NULL: none.
    void name(const char* text) const noexcept { tarn_arena_name(handle_, text); }
    std::size_t trim() const noexcept { return tarn_arena_trim(handle_); }
    tarn_arena_stats statistics() const noexcept {
        tarn_arena_stats stats{};
        tarn_arena_stats_get(handle_, &stats, sizeof stats);
        return stats;
    }

  protected:
    static constexpr std::size_t kMost = PTRDIFF_MAX;
    void set_handle(tarn_arena* handle) noexcept { handle_ = handle; }

  private:
    // By a constructor, or else as an aggregate.
    template <class T, class... Arguments>
    static T* construct(void* memory, Arguments&&... arguments) {
        if constexpr (std::is_constructible_v<T, Arguments...>)
            return ::new (memory) T(std::forward<Arguments>(arguments)...);
        else
            return ::new (memory) T{std::forward<Arguments>(arguments)...};
    }

    template <class T>
    struct Memory {
        detail::ArenaOwned<T>* owned;
        void* objects;
    };

    template <class T>
    Memory<T> allocate_owned(std::size_t count) const {
        using Owned = detail::ArenaOwned<T>;
        constexpr std::size_t kAlignment = std::max(alignof(Owned), alignof(T));
        constexpr std::size_t kOffset = (sizeof(Owned) + alignof(T) - 1) / alignof(T) * alignof(T);
        if (count > (kMost - kOffset) / sizeof(T)) throw std::bad_alloc();
        char* memory = static_cast<char*>(allocate(kOffset + count * sizeof(T), kAlignment));
        return {::new (static_cast<void*>(memory)) Owned, memory + kOffset};
    }
    template <class T>
    void push(detail::ArenaOwned<T>* owned, std::size_t count) const noexcept {
        owned->count = count;
        tarn_arena_push_cleanup(handle_, &owned->cleanup, detail::ArenaOwned<T>::destroy, owned);
    }

    template <class T, Destructor kDestructor, class Construct>
    std::span<T> build_array(std::size_t count, Construct construct) const {
        if constexpr (!detail::kRunsDestructor<T, kDestructor>) {
            if (count > kMost / sizeof(T)) throw std::bad_alloc();
            T* at = static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
            construct(at);
            return {at, count};
        } else {
            auto [owned, memory] = allocate_owned<T>(count);
            owned->objects = static_cast<T*>(memory);
            construct(owned->objects);
            push(owned, count);
            return {owned->objects, count};
        }
    }

    tarn_arena* handle_;
};

// Owns an arena. Moving it moves no object; one that was moved from may only be assigned to or destroyed.
// Example:
//     tarn::Arena arena;
//     std::span<int> numbers = arena.make_array<int>(100);  // zeros
//     std::string_view name = arena.string("rope");
class Arena : public ArenaRef {
  public:
    // As tarn_arena_create: what it takes at once, and where chunks stop growing; 0: the defaults.
    explicit Arena(std::size_t first_chunk = 0, std::size_t largest_chunk = 0)
        : ArenaRef(static_cast<tarn_arena*>(detail::found(tarn_arena_create(first_chunk, largest_chunk)))) {}
    Arena(Arena&& other) noexcept : ArenaRef(other.handle()) { other.set_handle(nullptr); }
    Arena& operator=(Arena&& other) noexcept {
        if (this != &other) {
            tarn_arena_destroy(handle());
            set_handle(other.handle());
            other.set_handle(nullptr);
        }
        return *this;
    }
    ~Arena() { tarn_arena_destroy(handle()); }
};

// Memory that is allocated while it lives goes when it ends.
// Example:
//     tarn::Arena arena;
//     {
//         tarn::ArenaScope scope(arena);
//         std::string_view text = arena.format("%d of %d", 3, 7);
//     }  // the text is gone
class [[nodiscard]] ArenaScope {
  public:
    explicit ArenaScope(ArenaRef arena) noexcept : arena_(arena), mark_(arena.mark()) {}
    ~ArenaScope() { arena_.rewind(mark_); }
    ArenaScope(const ArenaScope&) = delete;
    ArenaScope& operator=(const ArenaScope&) = delete;

  private:
    ArenaRef arena_;
    ArenaRef::Mark mark_;
};

// An arena as memory resource. Giving back gives back the last object only; all else goes with the arena.
class ArenaResource final : public std::pmr::memory_resource {
  public:
    explicit ArenaResource(ArenaRef arena) noexcept : arena_(arena) {}
    ArenaRef arena() const noexcept { return arena_; }

  private:
    void* do_allocate(std::size_t size, std::size_t alignment) override {
        return arena_.allocate(size, alignment);
    }
    void do_deallocate(void* memory, std::size_t size, std::size_t) override {
        tarn_arena_extend(arena_.handle(), memory, size, 0);
    }
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        const auto* same = dynamic_cast<const ArenaResource*>(&other);
        return same && same->arena_.handle() == arena_.handle();
    }
    ArenaRef arena_;
};

// An arena as allocator of a standard container. The arena must outlive the container.
// Example:
//     tarn::Arena arena;
//     std::vector<int, tarn::ArenaAllocator<int>> numbers{tarn::ArenaAllocator<int>(arena)};
//     numbers.push_back(7);
template <class T>
class ArenaAllocator {
  public:
    using value_type = T;
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;

    ArenaAllocator(ArenaRef arena) noexcept : arena_(arena) {}
    template <class Other>
    ArenaAllocator(const ArenaAllocator<Other>& other) noexcept : arena_(other.arena()) {}
    ArenaRef arena() const noexcept { return arena_; }

    [[nodiscard]] T* allocate(std::size_t count) {
        if (count > PTRDIFF_MAX / sizeof(T)) throw std::bad_array_new_length();
        return static_cast<T*>(arena_.allocate(count * sizeof(T), alignof(T)));
    }
    void deallocate(T* objects, std::size_t count) noexcept {
        tarn_arena_extend(arena_.handle(), objects, count * sizeof(T), 0);
    }
    template <class Other>
    bool operator==(const ArenaAllocator<Other>& other) const noexcept {
        return arena_.handle() == other.arena().handle();
    }

  private:
    ArenaRef arena_;
};

}  // namespace tarn

#endif
