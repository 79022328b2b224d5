// SPDX-License-Identifier: MIT
#include "entry/release.h"

#include <errno.h>

#include "base/message.h"
#include "cache/bins.h"
#include "cache/hardened.h"
#include "entry/foreign.h"
#include "entry/large.h"
#include "entry/lookup.h"
#include "entry/misuse.h"
#include "hardened/hardened.h"
#include "heap/orphans.h"
#include "mixed/mixed.h"
#include "process/start.h"
#include "process/thread.h"
#include "seam/recorder.h"

namespace tarn {

namespace {

class KeepErrno {
  public:
    KeepErrno() : saved_(errno) {}
    ~KeepErrno() { errno = saved_; }

  private:
    int saved_;
};

// A pointer into no slab. False when it is not ours at all.
bool release_block(void* pointer) {
    switch (release_large(pointer)) {
        case BlockFree::kFreed:
            return true;
        case BlockFree::kAlreadyFreed:
            die(Fault::kDoubleFree, pointer, "a large block");
        case BlockFree::kUnknown:
            return false;
    }
    return false;
}

void count_remote_free(ThreadCache* cache, SizeClass c) {
    if (cache) {
        cache->heap.counters(c).remote_frees += 1;
    } else {
        Guard guard(orphans.lock);
        orphans.heap.counters(c).remote_frees += 1;
    }
}

void release_object(void* pointer) {
    ThreadCache* cache = enter_thread_to_free();
    Slab& slab = *slab_of(pointer);
    check_object(slab, pointer);
    const HeapId owner = slab.owner.load(std::memory_order_acquire);
    if (owner == kNoHeap) die_never_handed_out(pointer);  // dissolved meanwhile: a second free, racing
    Object* object = static_cast<Object*>(pointer);
    const uintptr_t mark = heap_of(owner)->mark(slab.size_class, object);
    if ((kDoubleFreeCheck || hardened::checks_every_free()) && object->mark == mark)
        check_marked(cache, slab, object);
    object->mark = mark;
    if (cache && hardened::checks_every_free() && owner == cache->heap.id())
        check_not_just_freed(*cache, slab, object);
    if (cache && owner == cache->heap.id())
        return give_past_bin(*cache, cache->bins[slab.size_class], slab, object);
    count_remote_free(cache, slab.size_class);
    free_remote(slab, object, cache ? &cache->heap : nullptr);
}

// One that the profiler samples, which is to know before anybody else may get it.
mixed::Found release_sampled(void* pointer, mixed::Count count) {
    if (const Recorder* const record = recorder()) record->sample_freed(pointer);
    return mixed::give_sampled(pointer, count);
}

void release_mixed(void* pointer) {
    ThreadCache* const cache = enter_thread_to_free();
    const mixed::Count count = cache ? mixed::Count::kNot : mixed::Count::kHere;
    mixed::Found found = mixed::give(pointer, count);
    if (found.state != mixed::State::kUsed) [[unlikely]] {
        if (found.state == mixed::State::kSampled) found = release_sampled(pointer, count);
        if (found.state != mixed::State::kSampled) die_mixed(found, pointer);
    }
    if (!cache) return;
    count_direct_free(cache->tops[found.size_class]);
}

// One of the guard's, which is in no slab and no block. It counts as an object of its class.
bool release_guarded_sample(void* pointer) {
    const Recorder* const record = recorder();
    if (!record) return false;
    const Recorder::GuardedFree done = record->guarded_free(pointer);
    if (!done.freed) return false;
    if (ThreadCache* const cache = enter_thread_to_free()) {
        count_direct_free(cache->tops[done.size_class]);
    } else {
        Guard guard(orphans.lock);
        orphans.heap.counters(done.size_class).remote_frees += 1;
    }
    return true;
}

// The bin is one that a thread of the same pointer has left behind.
[[gnu::noinline]] void release_left_behind(Slab& slab, Bin& bin, Object* object) {
    ThreadCache& cache = cache_with(bin);
    object->mark = mark_of(bin, object);
    give_past_bin(cache, bin, slab, object);
}

}  // namespace

// Nothing in these two touches errno.
void release_full(void* pointer, Bin& bin) noexcept {
    Slab* const slab = slab_of_object(pointer);
    Object* const object = static_cast<Object*>(pointer);
    const uintptr_t mark = mark_of(bin, object);
    if (!slab || object->mark == mark || hardened::checks_every_free()) [[unlikely]]
        return release_cold(pointer);
    ThreadCache& cache = *current_cache;
    if (!has_bin(cache, bin)) [[unlikely]]
        return release_left_behind(*slab, bin, object);
    object->mark = mark;
    give_past_bin(cache, bin, *slab, object);
}

void release_elsewhere(void* pointer, Bin& bin) noexcept {
    ThreadCache* const cache = current_cache;
    // Only a slab of a thread has its bin below the table.
    if (reinterpret_cast<char*>(&bin) >= page_table || !has_cache(cache) || hardened::checks_every_free())
        return release_cold(pointer);
    Slab* const slab = slab_of_object(pointer);
    Object* const object = static_cast<Object*>(pointer);
    const uintptr_t mark = mark_of(bin, object);
    if (!slab || object->mark == mark) [[unlikely]]
        return release_cold(pointer);
    object->mark = mark;
    cache->heap.counters(slab->size_class).remote_frees += 1;
    cache->outgoing.add(*slab, object);
}

void release_slow(void* pointer) noexcept {
    const Entry entry = entry_at(pointer);
    if (entry >= 0) return release_cold(pointer);
    Bin& bin = bin_at(entry);
    const uintptr_t owner = __atomic_load_n(&bin.owner, __ATOMIC_RELAXED);
    owner == thread_pointer() ? release_full(pointer, bin) : release_elsewhere(pointer, bin);
}

namespace {

void release_guarded(void* pointer, hardened::Form form, size_t size) {
    ThreadCache* const cache = enter_thread_to_free();
    const hardened::Given given =
        hardened::give(pointer, form, size, cache ? hardened::Count::kNot : hardened::Count::kHere);
    const SizeClass c = class_of_size(given.asked);
    if (given.remote)
        count_remote_free(cache, c);
    else if (cache)
        count_direct_free(cache->tops[c]);
}

void release_any(void* pointer) {
    if (is_object(pointer)) return release_object(pointer);
    if (hardened::has(pointer)) return release_guarded(pointer, hardened::Form::kMalloc, hardened::kAnySize);
    if (mixed::has(pointer)) return release_mixed(pointer);
    start();
    if (!release_block(pointer) && !release_guarded_sample(pointer)) release_foreign(pointer);
}

}  // namespace

void release_hardened(void* pointer, hardened::Form form, size_t size) noexcept {
    if (!pointer) return;
    KeepErrno keep;
    if (hardened::has(pointer)) return release_guarded(pointer, form, size);
    if (size != hardened::kAnySize) check_size(pointer, kAlignment, size);
    check_block_form(pointer, form);
    release_any(pointer);
}

void release_cold(void* pointer) noexcept {
    if (hardened::serves()) [[unlikely]]
        return release_hardened(pointer, hardened::Form::kMalloc, hardened::kAnySize);
    if (!pointer) return;
    KeepErrno keep;
    release_any(pointer);
}

}  // namespace tarn
