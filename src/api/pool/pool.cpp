// SPDX-License-Identifier: MIT
// pool.h implemented: the stacks of threads ("locals"), and the rare cases of allocate and free.
//
//   allocate   this thread's stack (inline) -> half a stack from the depot -> objects carved from a chunk
//   free       this thread's stack (inline) -> half a stack to the depot
#include "tarn/pool.h"
#include <errno.h>
#include <string.h>

#include <new>

#include "api/pool/state.h"
#include "base/message.h"
#include "cache/hardened.h"
#include "entry/entry.h"

namespace tarn::pool {

constinit const Nobody nobody{{{0, TARN_POOL_FLOOR}, nullptr, 0, 0, {}}, nullptr};

namespace {

constexpr size_t kCarveBytes = 4096;
constexpr uint32_t kMissesToFront = 64;

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
    pool.moves.fetch_add(1, std::memory_order_acq_rel);
    __atomic_store_n(&before->next, local->next, __ATOMIC_RELEASE);
    set_first(pool, list, local);
    pool.moves.fetch_add(1, std::memory_order_acq_rel);
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
    pool.lone_allocations += 1;
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
    const bool checked = options & TARN_POOL_CHECKED || tarn::hardened::checks_pools();
    const Checks checks = checked ? Checks::kOn : Checks::kOff;
    Pool* const pool = new (memory) Pool(stride, alignment, checks, slots_for(stride));
    if (checks == Checks::kOn && !(pool->common = make_local(*pool, 0))) {
        tarn::release(pool);
        return nullptr;
    }
    claim_objects();
    pool->list();
    return pool;
}

void tarn_pool_destroy(tarn_pool* handle) {
    if (!handle) return;
    Pool& pool = of(handle);
    pool.unlist();
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

void tarn_pool_name(tarn_pool* handle, const char* name) {
    Pool& pool = of(handle);
    const tarn::Guard guard(pool.lock);
    pool.chunks.name(name);
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
    return local ? local : nobodys();
}

uintptr_t tarn_pool_thread_pointer() {
    return reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
}
