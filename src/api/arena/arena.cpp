// SPDX-License-Identifier: MIT
// arena.h implemented: what its inline functions leave. What an arena does with chunks:
//
//   first chunk -> chunk -> chunk (in use)       stack, newest on top; the first is of base..base_end
//   large -> large                               stack of blocks with one object each, beside it
//   spare -> spare                               free chunks, the one to be used next on top
//
// Rewinding pops chunks and pushes them on the spare ones, so that the same work finds the same chunks again.
#include "tarn/arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/message.h"
#include "cache/totals.h"
#include "entry/entry.h"
#include "entry/resize.h"
#include "seam/named.h"

// In front of each chunk and each large block.
struct tarn_arena_chunk {
    tarn_arena_chunk* previous;
    size_t bytes;  // with this header
    char* left;    // where `next` was when a newer chunk was taken
    char* object;  // of a large block
};

namespace {

using Arena = tarn_arena;
using Chunk = tarn_arena_chunk;
using Mark = tarn_arena_mark;

constexpr size_t kUnit = TARN_ARENA_MALLOC_ALIGNMENT;
constexpr size_t kMost = PTRDIFF_MAX / 4;  // of any size or alignment; sums of these cannot overflow
constexpr size_t kLargestDefault = TARN_ARENA_LARGEST_CHUNK;
static_assert(sizeof(Arena) == 128 && sizeof(Arena) % kUnit == 0, "part of the interface");
static_assert(sizeof(Chunk) % kUnit == 0);

void* fail(int error) {
    errno = error;
    return nullptr;
}

bool is_alignment(size_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

char* begin(Chunk* chunk) {
    return reinterpret_cast<char*>(chunk + 1);
}
char* end(Chunk* chunk) {
    return reinterpret_cast<char*>(chunk) + chunk->bytes;
}
size_t room(const Arena& arena) {
    return static_cast<size_t>(arena.end - arena.next);
}

// From the chunk in use, NULL when it is too short. Any alignment up to kMost.
void* take(Arena& arena, size_t size, size_t alignment) {
    const size_t pad = -reinterpret_cast<uintptr_t>(arena.next) & (alignment - 1);
    if (pad > room(arena) || size > room(arena) - pad) return nullptr;
    char* at = arena.next + pad;
    arena.next = at + tarn_arena_rounded(size);
    return at;
}

// Whether the request is better served by a block of its own: it would need more than a quarter of the next
// chunk, or leave unused more than a quarter of this one, unless that is little beside the next.
bool wants_own_block(const Arena& arena, size_t need) {
    if (need > arena.next_chunk / 4) return true;
    const size_t size = arena.chunk ? arena.chunk->bytes : static_cast<size_t>(arena.base_end - arena.base);
    return room(arena) > size / 4 && room(arena) > arena.next_chunk / 16;
}

void grow_next_chunk(Arena& arena) {
    const size_t most = arena.largest_chunk;
    arena.next_chunk = arena.next_chunk > most / 2 ? most : 2 * arena.next_chunk;
}

void count_bytes(Arena& arena, size_t bytes) {
    const auto change = static_cast<int64_t>(bytes);
    arena.heap_bytes += bytes;
    tarn::tally(tarn::Tally::kArenaBytes, change);
    if (change > 0) tarn::tally(tarn::Tally::kArenaBytesTaken, change);
}

Chunk* new_chunk(Arena& arena, size_t bytes) {
    const tarn::Named scope(arena.name);
    Chunk* chunk = static_cast<Chunk*>(tarn::allocate(bytes));
    if (!chunk) return nullptr;
    chunk->bytes = bytes;
    count_bytes(arena, bytes);
    return chunk;
}

void free_chunk(Arena& arena, Chunk* chunk) {
    count_bytes(arena, -chunk->bytes);
    tarn::release(chunk);
}

// The first spare chunk with that much room, taken out of the list; NULL when there is none.
Chunk* take_spare(Arena& arena, size_t need) {
    for (Chunk** at = &arena.spare; *at; at = &(*at)->previous)
        if (Chunk* chunk = *at; chunk->bytes - sizeof(Chunk) >= need) {
            *at = chunk->previous;
            return chunk;
        }
    return nullptr;
}

// Makes a chunk with room for `need` bytes the one in use. False when out of memory.
bool enter_chunk(Arena& arena, size_t need) {
    Chunk* chunk = take_spare(arena, need);
    if (!chunk) {
        chunk = new_chunk(arena, arena.next_chunk);
        if (!chunk) return false;
        grow_next_chunk(arena);
    }
    (arena.chunk ? arena.chunk->left : arena.base_left) = arena.next;
    chunk->previous = arena.chunk;
    arena.chunk = chunk;
    arena.next = begin(chunk);
    arena.end = end(chunk);
    return true;
}

void leave_chunk(Arena& arena) {
    Chunk* chunk = arena.chunk;
    arena.chunk = chunk->previous;
    chunk->previous = arena.spare;
    arena.spare = chunk;
    arena.end = arena.chunk ? end(arena.chunk) : arena.base_end;
}

void* allocate_large(Arena& arena, size_t need, size_t alignment) {
    Chunk* chunk = new_chunk(arena, sizeof(Chunk) + need);
    if (!chunk) return nullptr;
    grow_next_chunk(arena);
    chunk->previous = arena.large;
    arena.large = chunk;
    arena.larges++;
    chunk->object = begin(chunk) + (-reinterpret_cast<uintptr_t>(begin(chunk)) & (alignment - 1));
    return chunk->object;
}

void free_newest_large(Arena& arena) {
    Chunk* chunk = arena.large;
    arena.large = chunk->previous;
    arena.larges--;
    free_chunk(arena, chunk);
}

// A large object that is the newest grows as realloc grows it, with room to grow further. NULL when out of
// memory.
void* resize_newest_large(Arena& arena, size_t old_size, size_t new_size) {
    Chunk* old = arena.large;
    const size_t old_bytes = old->bytes;
    if (new_size <= old_bytes - sizeof(Chunk)) return old->object;
    const size_t bytes = sizeof(Chunk) + new_size + old_size / 2;
    const tarn::Named scope(arena.name);
    Chunk* chunk = static_cast<Chunk*>(tarn::reallocate(old, bytes));
    if (!chunk) return nullptr;
    chunk->bytes = bytes;
    chunk->object = begin(chunk);
    arena.large = chunk;
    count_bytes(arena, bytes - old_bytes);
    return chunk->object;
}

bool is_last(const Arena& arena, const void* object, size_t size) {
    return static_cast<const char*>(object) + tarn_arena_rounded(size) == arena.next;
}

// A new chunk with twice the room, for an object that grows; nothing where none so large is allowed or left.
void make_room_to_grow(Arena& arena, size_t size, size_t alignment) {
    const size_t need = 2 * size + alignment;
    while (arena.next_chunk - sizeof(Chunk) < need && arena.next_chunk < arena.largest_chunk)
        grow_next_chunk(arena);
    if (arena.next_chunk - sizeof(Chunk) >= need) enter_chunk(arena, need);
}

bool is_resizable_large(const Arena& arena, const void* object, size_t alignment) {
    return arena.large && object == begin(arena.large) && arena.large->object == object && alignment <= kUnit;
}

// Whether the arena has been at this point and has not been rewound past it, as far as can be told.
bool knows(const Arena& arena, const Mark& mark) {
    const Chunk* chunk = arena.chunk;
    while (chunk && chunk != mark.chunk)
        chunk = chunk->previous;
    const tarn_arena_cleanup* cleanup = arena.cleanups;
    while (cleanup && cleanup != mark.cleanups)
        cleanup = cleanup->previous;
    return chunk == mark.chunk && cleanup == mark.cleanups && arena.larges >= mark.larges;
}

}  // namespace

tarn_arena* tarn_arena_create(size_t first_chunk, size_t largest_chunk) {
    if (first_chunk == 0) first_chunk = TARN_ARENA_FIRST_CHUNK;
    if (first_chunk < TARN_ARENA_FIRST_CHUNK_LEAST) first_chunk = TARN_ARENA_FIRST_CHUNK_LEAST;
    if (largest_chunk == 0) largest_chunk = first_chunk > kLargestDefault ? first_chunk : kLargestDefault;
    if (largest_chunk < first_chunk) return static_cast<Arena*>(fail(EINVAL));
    if (first_chunk > kMost) return static_cast<Arena*>(fail(ENOMEM));
    first_chunk &= ~(kUnit - 1);
    Arena* arena = static_cast<Arena*>(tarn::allocate(first_chunk));
    if (!arena) return nullptr;
    tarn_arena_init_buffer(arena, arena + 1, first_chunk - sizeof(Arena));
    arena->next_chunk = first_chunk;
    arena->largest_chunk = (largest_chunk < kMost ? largest_chunk : kMost) & ~(kUnit - 1);
    grow_next_chunk(*arena);
    count_bytes(*arena, first_chunk);
    tarn::tally(tarn::Tally::kArenas, 1);
    tarn::tally(tarn::Tally::kArenasMade, 1);
    return arena;
}

void tarn_arena_destroy(tarn_arena* arena) {
    if (!arena) return;
    tarn_arena_release(arena);
    if (arena->base != reinterpret_cast<char*>(arena + 1) || arena->heap_bytes == 0) return;
    count_bytes(*arena, -arena->heap_bytes);
    tarn::tally(tarn::Tally::kArenas, -1);
    tarn::release(arena);
}

void* tarn_arena_allocate_slow(tarn_arena* arena, size_t size, size_t alignment) {
    if (!is_alignment(alignment)) return fail(EINVAL);
    if (size > kMost || alignment > kMost) return fail(ENOMEM);
    if (void* at = take(*arena, size, alignment)) return at;
    const size_t need = size + (alignment > kUnit ? alignment - kUnit : 0);
    if (!wants_own_block(*arena, need) && enter_chunk(*arena, need)) return take(*arena, size, alignment);
    return allocate_large(*arena, need, alignment);  // also when there is no memory for a whole chunk
}

void tarn_arena_rewind_slow(tarn_arena* arena, const tarn_arena_mark* mark) {
    if (!knows(*arena, *mark)) {
        tarn::warn("arena: rewound to a mark that is gone");
        abort();
    }
    while (arena->cleanups != mark->cleanups) {
        tarn_arena_cleanup* cleanup = arena->cleanups;
        arena->cleanups = cleanup->previous;
        cleanup->run(cleanup->context);
    }
    while (arena->larges > mark->larges)
        free_newest_large(*arena);
    while (arena->chunk != mark->chunk)
        leave_chunk(*arena);
    arena->next = mark->next;
}

void tarn_arena_release_slow(tarn_arena* arena) {
    tarn_arena_reset(arena);
    tarn_arena_trim(arena);
}

size_t tarn_arena_trim(tarn_arena* arena) {
    const size_t before = arena->heap_bytes;
    while (Chunk* chunk = arena->spare) {
        arena->spare = chunk->previous;
        free_chunk(*arena, chunk);
    }
    return before - arena->heap_bytes;
}

void* tarn_arena_resize_slow(tarn_arena* arena, void* object, size_t old_size, size_t new_size,
                             size_t alignment) {
    if (!is_alignment(alignment)) return fail(EINVAL);
    if (new_size > kMost || alignment > kMost) return fail(ENOMEM);
    if (object && is_resizable_large(*arena, object, alignment))
        return resize_newest_large(*arena, old_size, new_size);
    if (object && is_last(*arena, object, old_size)) make_room_to_grow(*arena, new_size, alignment);
    void* moved = tarn_arena_allocate(arena, new_size, alignment);
    if (moved && old_size > 0) memcpy(moved, object, old_size < new_size ? old_size : new_size);
    return moved;
}

void* tarn_arena_copy(tarn_arena* arena, const void* objects, size_t count, size_t size, size_t alignment) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return fail(ENOMEM);
    void* copy = tarn_arena_allocate(arena, bytes, alignment);
    if (copy && bytes > 0) memcpy(copy, objects, bytes);
    return copy;
}

char* tarn_arena_vformat(tarn_arena* arena, size_t* length, const char* format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    // Into the room that is left; what fits needs no second run.
    char* text = arena->next;
    const int printed = vsnprintf(text, room(*arena), format, arguments);
    const size_t size = static_cast<size_t>(printed) + 1;
    if (printed < 0)
        text = nullptr;
    else if (size <= room(*arena))
        arena->next += tarn_arena_rounded(size);
    else if ((text = static_cast<char*>(tarn_arena_allocate(arena, size, 1))))
        vsnprintf(text, size, format, again);
    va_end(again);
    if (text && length) *length = size - 1;
    return text;
}

char* tarn_arena_format(tarn_arena* arena, size_t* length, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char* text = tarn_arena_vformat(arena, length, format, arguments);
    va_end(arguments);
    return text;
}

int tarn_arena_on_rewind(tarn_arena* arena, void (*run)(void* context), void* context) {
    void* at = tarn_arena_allocate(arena, sizeof(tarn_arena_cleanup), alignof(tarn_arena_cleanup));
    if (!at) return -1;
    tarn_arena_push_cleanup(arena, static_cast<tarn_arena_cleanup*>(at), run, context);
    return 0;
}

int tarn_arena_stats_get(const tarn_arena* arena, tarn_arena_stats* stats, size_t size) {
    if (!stats || size < offsetof(tarn_arena_stats, larges)) return -1;
    tarn_arena_stats now{};
    now.version = TARN_ARENA_STATS_VERSION;
    now.larges = arena->larges;
    now.left = room(*arena);
    const char* left = arena->next;  // of the chunk at hand
    for (Chunk* chunk = arena->chunk; chunk; chunk = chunk->previous) {
        now.chunks++;
        now.capacity += static_cast<size_t>(end(chunk) - begin(chunk));
        now.used += static_cast<size_t>(left - begin(chunk));
        left = chunk->previous ? chunk->previous->left : arena->base_left;
    }
    if (arena->base_end > arena->base) now.chunks++;
    now.capacity += static_cast<size_t>(arena->base_end - arena->base);
    now.used += static_cast<size_t>(left - arena->base);
    for (Chunk* chunk = arena->large; chunk; chunk = chunk->previous) {
        now.capacity += static_cast<size_t>(end(chunk) - begin(chunk));
        now.used += static_cast<size_t>(end(chunk) - begin(chunk));
    }
    for (const Chunk* chunk = arena->spare; chunk; chunk = chunk->previous)
        now.spare += chunk->bytes - sizeof(Chunk);
    for (const tarn_arena_cleanup* cleanup = arena->cleanups; cleanup; cleanup = cleanup->previous)
        now.cleanups++;
    now.wasted = now.capacity - now.used - now.left;
    const size_t known = size < sizeof now ? size : sizeof now;
    memcpy(stats, &now, known);
    memset(reinterpret_cast<char*>(stats) + known, 0, size - known);
    return 0;
}
