// SPDX-License-Identifier: MIT
// pool.h implemented: the stacks of threads ("locals"), and the rare cases of allocate and free.
//
//   allocate   this thread's stack (inline) -> half a stack from the depot -> objects carved from a chunk
//   free       this thread's stack (inline) -> half a stack to the depot
//
// A local is found by its owner's thread pointer, and stays until the pool is destroyed. A thread pointer is
// in use again only after its thread ended: glibc gives a stack to a new thread when the kernel has cleared
// the old one's id. So a local has one user at a time, and the new one finds it as the old one left it: all
// that a thread does to its local comes before a store-release of `state`, all that it reads comes after a
// load-acquire.
//
// Locals whose thread pointers have the same hash are in one list, of which the inline functions see the
// first. Lists are read without the lock; a local is never taken out, only moved to the front, by its own
// thread.
//
// A checked pool has no locals in `locals`, so that every call comes here, and one stack for all threads.
// Locks: Pool::checks before Pool::lock before those of the layers below.
#include "tarn/pool.h"
#include <errno.h>
#include <string.h>

#include <new>

#include "api/pool_chunks.h"
#include "api/pool_depot.h"
#include "api/pool_sizes.h"
#include "base/lock.h"
#include "base/message.h"
#include "entry/entry.h"

namespace tarn::pool {
namespace {

constexpr size_t kLine = 64;
constexpr size_t kCarveBytes = 4096;
constexpr uint32_t kMissesToFront = 64;
constexpr size_t kLists = sizeof(tarn_pool::locals) / sizeof(tarn_pool_local*);

struct Local : tarn_pool_local {
    Local* next;      // with the same hash
    uint32_t slots;   // all of them; one more holds NULL
    uint32_t misses;  // calls in which it was not the first of its list
    uint64_t unused[TARN_POOL_FLOOR / 8 - 4];

    void** floor() { return tarn_pool_slot(this, TARN_POOL_FLOOR); }
    void** end() { return floor() + slots; }
    void** top() { return tarn_pool_slot(this, now()); }
    size_t held() { return static_cast<size_t>(end() - top()); }
    uint64_t allocations() const { return now() >> 16; }
    void set_top(void** top) { set(now() >> 16 << 16 | place(top)); }
    // The one use of a local that neither takes nor leaves anything, so its order does not matter.
    uint32_t count_miss() {
        const uint32_t count = __atomic_load_n(&misses, __ATOMIC_RELAXED) + 1;
        return __atomic_store_n(&misses, count, __ATOMIC_RELAXED), count;
    }
    void count_allocation() { set(now() + (1u << 16)); }

  private:
    uint64_t now() const { return __atomic_load_n(&state, __ATOMIC_ACQUIRE); }
    void set(uint64_t value) { __atomic_store_n(&state, value, __ATOMIC_RELEASE); }
    uint64_t place(void** slot) {
        return static_cast<uint64_t>(reinterpret_cast<char*>(slot) - reinterpret_cast<char*>(this));
    }
};
static_assert(sizeof(Local) == TARN_POOL_FLOOR);
static_assert(TARN_POOL_FLOOR + (kMostSlots + 1) * sizeof(void*) < 1 << 16, "a place has 16 bits");

// First in every list at the beginning; nobody's thread pointer is 0. Its stack is empty and full: its one
// slot, which holds NULL, is the floor.
struct {
    Local local;
    void* slot;
} nobody{{{0, TARN_POOL_FLOOR}, nullptr, 0, 0, {}}, nullptr};

struct Pool : tarn_pool {
    Pool(size_t stride, size_t alignment, Checks checked, size_t slots)
        : checking(checked), half(slots / 2), chunks(stride, alignment, checked), depot(slots / 2) {
        for (tarn_pool_local*& local : locals)
            local = &nobody.local;
    }
    const Checks checking;
    const size_t half;        // of a stack's slots
    Local* common = nullptr;  // the one stack of a checked pool, guarded by `checks`
    Lock checks;
    alignas(kLine) Lock lock;  // guards what follows, and writing `locals`
    Chunks chunks;
    Depot depot;
    uint32_t local_count = 0;
    uint64_t lone_allocations = 0;  // by threads for whose stack there was no memory
};

static_assert(kLists == size_t{1} << (64 - 58), "tarn_pool_list_of takes as many bits as there are lists");

Local* first_of(const Pool& pool, size_t list) {
    return static_cast<Local*>(__atomic_load_n(&pool.locals[list], __ATOMIC_ACQUIRE));
}
Local* next_of(const Local& local) {
    return __atomic_load_n(&local.next, __ATOMIC_ACQUIRE);
}

Local* make_local(const Pool& pool, uintptr_t owner) {
    const size_t bytes = sizeof(Local) + (2 * pool.half + 1) * sizeof(void*);
    void* const memory = allocate_aligned(kLine, (bytes + kLine - 1) / kLine * kLine);
    if (!memory) return nullptr;
    Local* local = new (memory) Local{};
    local->owner = owner;
    local->slots = static_cast<uint32_t>(2 * pool.half);
    *local->end() = nullptr;
    local->set_top(local->end());
    return local;
}

void set_first(Pool& pool, size_t list, Local* local) {
    Local* const first = first_of(pool, list);
    __atomic_store_n(&local->next, first, __ATOMIC_RELEASE);
    __atomic_store_n(&pool.locals[list], local, __ATOMIC_RELEASE);
}

// A reader that stands on `local` meanwhile begins the list again, which leaves nothing out.
void move_to_front(Pool& pool, Local* local) {
    const Guard guard(pool.lock);
    const size_t list = tarn_pool_list_of(local->owner);
    Local* before = first_of(pool, list);
    if (before == local) return;
    while (before->next != local)
        before = before->next;
    __atomic_store_n(&before->next, local->next, __ATOMIC_RELEASE);
    set_first(pool, list, local);
}

// NULL when this thread has none.
Local* find_local(Pool& pool, uintptr_t self) {
    Local* const first = first_of(pool, tarn_pool_list_of(self));
    Local* local = first;
    while (local && local->owner != self)
        local = next_of(*local);
    if (local && local != first && local->count_miss() % kMissesToFront == 0) move_to_front(pool, local);
    return local;
}

// This thread's; NULL when there is no memory for it.
Local* enter(Pool& pool) {
    const uintptr_t self = tarn_pool_self();
    Local* local = find_local(pool, self);
    if (local) return local;
    local = make_local(pool, self);
    if (!local) return nullptr;
    const Guard guard(pool.lock);
    ++pool.local_count;
    set_first(pool, tarn_pool_list_of(self), local);
    return local;
}

// Objects that no stack has: free ones, or new ones in the order of their addresses.
size_t take(Pool& pool, void** objects, size_t most) {
    const Guard guard(pool.lock);
    const size_t taken = pool.depot.take(objects, most);
    if (taken > 0) return taken;
    const size_t ahead = kCarveBytes / pool.chunks.stride();
    return pool.chunks.carve(objects, ahead == 0 ? 1 : ahead < most ? ahead : most);
}

bool refill(Pool& pool, Local& local) {
    const size_t taken = take(pool, local.floor(), pool.half);
    if (taken == 0) return false;
    void** const top = local.end() - taken;
    memcpy(top, local.floor(), taken * sizeof(void*));
    local.set_top(top);
    return true;
}

// The older half goes: what was freed last is likely in the processor's cache.
void drain(Pool& pool, Local& local) {
    void** const older = local.end() - pool.half;
    {
        const Guard guard(pool.lock);
        pool.depot.give(older, pool.half);
    }
    memmove(local.floor() + pool.half, local.floor(), pool.half * sizeof(void*));
    local.set_top(local.floor() + pool.half);
}

void* pop(Pool& pool, Local& local) {
    if (local.top() == local.end() && !refill(pool, local)) return nullptr;
    void** const top = local.top();
    void* const object = *top;
    local.set_top(top + 1);
    local.count_allocation();
    return object;
}

void push(Pool& pool, Local& local, void* object) {
    if (local.top() == local.floor()) drain(pool, local);
    void** const top = local.top() - 1;
    *top = object;
    local.set_top(top);
}

void* allocate_alone(Pool& pool) {
    void* object;
    if (take(pool, &object, 1) == 0) return nullptr;
    const Guard guard(pool.lock);
    ++pool.lone_allocations;
    return object;
}

struct Bit {
    uint64_t& word;
    uint64_t mask;
};

// Whether the object is live, as a checked pool keeps it; dies unless it is an object of this pool.
Bit live_bit(Pool& pool, const void* object) {
    const size_t stride = pool.chunks.stride();
    const Guard guard(pool.lock);
    const Chunk* chunk = pool.chunks.find(object);
    if (!chunk) die(Fault::kNeverHandedOut, object, "by this pool of objects of", stride, "bytes");
    const size_t offset = static_cast<size_t>(static_cast<const char*>(object) - chunk->begin);
    const size_t index = offset / stride;
    if (index >= chunk->carved)
        die(Fault::kNeverHandedOut, object, "by this pool of objects of", stride, "bytes");
    if (offset % stride != 0)
        die(Fault::kInsideObject, object, "into one of a pool of objects of", stride, "bytes");
    return {chunk->live[index / 64], uint64_t{1} << index % 64};
}

void* allocate_checked(Pool& pool) {
    const Guard guard(pool.checks);
    void* const object = pop(pool, *pool.common);
    if (!object) return nullptr;
    const Bit bit = live_bit(pool, object);
    bit.word |= bit.mask;
    return object;
}

void free_checked(Pool& pool, void* object) {
    const Guard guard(pool.checks);
    const Bit bit = live_bit(pool, object);
    if (!(bit.word & bit.mask))
        die(Fault::kDoubleFree, object, "an object of a pool of objects of", pool.chunks.stride(), "bytes");
    bit.word &= ~bit.mask;
    push(pool, *pool.common, object);
}

void flush(Pool& pool, Local* local) {
    if (!local) return;
    const Guard guard(pool.lock);
    pool.depot.give(local->top(), local->held());
    local->set_top(local->end());
}

void flush_mine(Pool& pool) {
    if (pool.checking == Checks::kOff) return flush(pool, find_local(pool, tarn_pool_self()));
    const Guard guard(pool.checks);
    flush(pool, pool.common);
}

template <class Visit>
void for_each_local(const Pool& pool, Visit&& visit) {
    if (pool.common) visit(pool.common);
    for (size_t list = 0; list < kLists; ++list) {
        for (Local *local = first_of(pool, list), *next; local; local = next) {
            next = next_of(*local);
            if (local != &nobody.local) visit(local);
        }
    }
}

void count(Pool& pool, tarn_pool_stats& stats) {
    const Guard guard(pool.lock);
    uint64_t idle = pool.depot.held(), allocations = pool.lone_allocations;
    for_each_local(pool, [&](Local* local) {
        idle += local->held();
        allocations += local->allocations();
    });
    const uint64_t carved = pool.chunks.carved(), fresh = pool.chunks.ever_carved();
    // Other threads go on while they are counted.
    const uint64_t live = idle < carved ? carved - idle : 0;
    stats.threads = pool.local_count;
    stats.object_size = pool.chunks.stride();
    stats.allocations = allocations;
    stats.live_objects = live < allocations ? live : allocations;
    stats.frees = allocations - stats.live_objects;
    stats.idle_objects = idle < carved ? idle : carved;
    stats.fresh = fresh < allocations ? fresh : allocations;
    stats.reused = allocations - stats.fresh;
    stats.chunks = pool.chunks.count();
    stats.chunk_bytes = pool.chunks.bytes();
    stats.hit_rate =
        allocations == 0 ? 0 : static_cast<double>(stats.reused) / static_cast<double>(allocations);
}

Pool& of(tarn_pool* pool) {
    return *static_cast<Pool*>(pool);
}

tarn_pool* fail(int error) {
    return errno = error, nullptr;
}

}  // namespace
}  // namespace tarn::pool

using namespace tarn::pool;

// C linkage comes from pool.h.
tarn_pool* tarn_pool_create(size_t object_size, size_t alignment, unsigned options) {
    const bool power_of_two = alignment != 0 && (alignment & (alignment - 1)) == 0;
    if (object_size == 0 || !power_of_two || alignment > kMostAlignment) return fail(EINVAL);
    if (options & ~unsigned{TARN_POOL_CHECKED}) return fail(EINVAL);
    const size_t stride = stride_of(object_size, alignment);
    if (stride == 0) return fail(ENOMEM);
    void* const memory = tarn::allocate_aligned(kLine, sizeof(Pool));
    if (!memory) return nullptr;
    const Checks checks = options & TARN_POOL_CHECKED ? Checks::kOn : Checks::kOff;
    Pool* const pool = new (memory) Pool(stride, alignment, checks, slots_for(stride));
    if (checks == Checks::kOn && !(pool->common = make_local(*pool, 0))) {
        tarn::release(pool);
        return nullptr;
    }
    return pool;
}

void tarn_pool_destroy(tarn_pool* handle) {
    if (!handle) return;
    Pool& pool = of(handle);
    pool.depot.release_all();
    pool.chunks.release_all();
    for_each_local(pool, [](Local* local) { tarn::release(local); });
    tarn::release(&pool);
}

int tarn_pool_reserve(tarn_pool* handle, size_t objects) {
    Pool& pool = of(handle);
    const tarn::Guard guard(pool.lock);
    return pool.chunks.reserve(objects) ? 0 : -1;
}

void tarn_pool_flush(tarn_pool* pool) {
    flush_mine(of(pool));
}

size_t tarn_pool_trim(tarn_pool* handle) {
    Pool& pool = of(handle);
    flush_mine(pool);
    const tarn::Guard guard(pool.lock);
    pool.chunks.forget_free_counts();
    pool.depot.retain([&](const void* object) {
        ++pool.chunks.find(object)->free;
        return true;
    });
    pool.depot.retain([&](const void* object) { return !Chunks::all_free(*pool.chunks.find(object)); });
    pool.depot.release_empty_ones();
    return pool.chunks.release_free_ones();
}

int tarn_pool_stats_get(tarn_pool* pool, tarn_pool_stats* stats, size_t size) {
    if (!stats || size < offsetof(tarn_pool_stats, object_size)) {
        errno = EINVAL;
        return -1;
    }
    tarn_pool_stats now{};
    now.version = TARN_POOL_STATS_VERSION;
    count(of(pool), now);
    const size_t known = size < sizeof now ? size : sizeof now;
    memcpy(stats, &now, known);
    memset(reinterpret_cast<char*>(stats) + known, 0, size - known);
    return 0;
}

void* tarn_pool_allocate_slow(tarn_pool* handle) {
    Pool& pool = of(handle);
    if (pool.checking == Checks::kOn) return allocate_checked(pool);
    Local* const local = enter(pool);
    return local ? pop(pool, *local) : allocate_alone(pool);
}

void tarn_pool_free_slow(tarn_pool* handle, void* object) {
    if (!object) return;
    const int saved = errno;
    Pool& pool = of(handle);
    if (pool.checking == Checks::kOn) return free_checked(pool, object);
    if (Local* const local = enter(pool)) {
        push(pool, *local, object);
    } else {
        const tarn::Guard guard(pool.lock);
        pool.depot.give(&object, 1);
    }
    errno = saved;
}

tarn_pool_local* tarn_pool_enter(tarn_pool* handle) {
    Local* const local = of(handle).checking == Checks::kOff ? enter(of(handle)) : nullptr;
    return local ? local : &nobody.local;
}

uintptr_t tarn_pool_thread_pointer() {
    return reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
}
