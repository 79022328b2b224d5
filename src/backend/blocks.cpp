// SPDX-License-Identifier: MIT
// The large-block path. Order of steps around the registry: memory is entered after its source handed it out,
// struck off before it goes back.
#include "backend/blocks.h"

#include <cstring>

#include <algorithm>
#include <atomic>

#include "backend/guarded/guarded.h"
#include "backend/map/map.h"
#include "backend/modules/loader.h"
#include "backend/ranges/registry.h"
#include "backend/visits.h"
#include "base/at_start.h"
#include "base/options.h"
#include "os/os.h"
#include "os/thread_pointer.h"

namespace tarn {

namespace {

using map::Block;

constexpr size_t kSmallestAlignment = 16;
constexpr size_t kRemapFrom = size_t{256} << 10;  // what grows gets a mapping of its own from here on
constexpr size_t kGrowth = 8;                     // below that, 1/8 more room than asked for

// A block that shrinks to three quarters or more stays as it is.
constexpr size_t worth_keeping(size_t size) {
    return size - size / 4;
}

// Relaxed atomics. An allocation is counted before its block is known to anybody who could free it, so no
// difference is ever negative for who reads frees first.
struct Counters {
    std::atomic<uint64_t> allocations, frees, grown_in_place;
    std::atomic<size_t> live_bytes, peak_bytes;
};
constinit Counters counters = {};

void count_live(size_t bytes) {
    const size_t live = counters.live_bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    size_t peak = counters.peak_bytes.load(std::memory_order_relaxed);
    while (live > peak && !counters.peak_bytes.compare_exchange_weak(peak, live, std::memory_order_relaxed)) {
    }
}

void count_dead(size_t bytes) {
    counters.live_bytes.fetch_sub(bytes, std::memory_order_relaxed);
}

size_t usable_size(const tarn_backend* backend, void* at, size_t asked) {
    return backend->usable_size ? std::max(backend->usable_size(at), asked) : asked;
}

// Allocators keep a heap for each thread, of tens of KiB, and what a thread leaves behind there is seldom
// found again. A thread other than the first that asks for a few blocks only is served by `map`.
constexpr uint8_t kBlocksFromMap = 16;
thread_local constinit uint8_t blocks_asked_for __attribute__((tls_model("initial-exec"))) = 0;
TARN_WRITTEN_AT_START constinit uintptr_t first_thread = 0;  // ran the constructor, or forked
// Others have been in here: the child of a fork then trusts nothing that is not one atomic word.
constinit std::atomic<bool> others{false};

void note_thread() {
    if (thread_pointer() != first_thread && first_thread && !others.load(std::memory_order_relaxed))
        others.store(true, std::memory_order_relaxed);
}

bool worth_a_heap() {
    if (blocks_asked_for == kBlocksFromMap) [[likely]]
        return true;
    if (thread_pointer() == first_thread)
        blocks_asked_for = kBlocksFromMap;
    else
        ++blocks_asked_for;
    return blocks_asked_for == kBlocksFromMap;
}

// `at` NULL: the backend does not serve this, cannot now, or is out of memory.
Block allocate_backend(size_t size, size_t alignment, Zero zero) {
    const tarn_backend* backend = chosen_backend();
    if (!backend || size >= options.map_from || alignment >= options.map_from || !worth_a_heap()) return {};
    const Visit visit;
    if (!visit) return {};
    const bool zeroed = zero == Zero::kYes && backend->allocate_zeroed;
    void* at = zeroed ? backend->allocate_zeroed(size, alignment) : backend->allocate(size, alignment);
    if (!at) return {};
    return {at, {usable_size(backend, at, size), BlockSource::kBackend}, zeroed ? 0 : size};
}

Block allocate_anywhere(size_t size, size_t alignment, Zero zero) {
    if (options.hardened) [[unlikely]]
        if (const Block guarded = guarded::allocate(size, alignment); guarded.at) return guarded;
    const Block block = allocate_backend(size, alignment, zero);
    return block.at ? block : map::allocate(size, alignment);
}

// The memory that is missing may lie free in the backend.
Block allocate_or_trim(size_t size, size_t alignment, Zero zero) {
    const Block block = allocate_anywhere(size, alignment, zero);
    if (block.at) return block;
    trim_blocks();
    return allocate_anywhere(size, alignment, zero);
}

void give_back(void* at, Record record) {
    if (record.source == BlockSource::kBackend)
        give_to_backend(at, record.size);
    else if (record.source == BlockSource::kGuarded)
        guarded::free(at, record);
    else
        map::free(at, record);
}

// Known to the registry, or given back.
[[nodiscard]] void* entered(const Block& block) {
    if (!block.at) return nullptr;
    if (enter_block(block.at, block.record)) return block.at;
    give_back(block.at, block.record);
    return nullptr;
}

size_t clamp(size_t size) {
    return std::max(size, kSmallestBlock);
}

Resized resized(void* block, Record old_record, Record new_record, Copied copied) {
    if (new_record.size > old_record.size && copied == Copied::kNo)
        counters.grown_in_place.fetch_add(1, std::memory_order_relaxed);
    if (new_record.size > old_record.size)
        count_live(new_record.size - old_record.size);
    else
        count_dead(old_record.size - new_record.size);
    return {block, copied};
}

// The block's new place, when its source can move it without our help. It is struck off meanwhile: another
// thread may get the old address the moment the source gives it up.
template <typename Move>
Resized move_at_source(void* block, Record record, Move move) {
    SpareNodes spares;
    if (!spares.fill()) return {};
    strike_block(block);
    const Block moved = move();
    if (!moved.at) {
        update_block(block, record);
        return {};
    }
    // Cannot fail: nodes are at hand, and the kernel gave an address like any other.
    if (!enter_block(moved.at, moved.record, spares)) __builtin_trap();
    const bool copied = moved.at != block && record.source == BlockSource::kBackend;
    return resized(moved.at, record, moved.record, copied ? Copied::kYes : Copied::kNo);
}

// `at` NULL: the old block is untouched.
Resized copy_to(const Block& target, void* block, Record record, size_t new_size) {
    void* const copy = entered(target);
    if (!copy) return {};
    count_live(target.record.size);
    memcpy(copy, block, std::min(record.size, new_size));
    strike_block(block);
    count_dead(record.size);
    give_back(block, record);
    return {copy, Copied::kYes};
}

Resized resize_mapping(void* block, Record record, size_t new_size, size_t alignment) {
    if (const size_t size = map::resize_in_place(block, record, new_size)) {
        const Record changed{size, record.source, record.tag};
        update_block(block, changed);
        return resized(block, record, changed, Copied::kNo);
    }
    if (alignment > os::page_size()) return {};
    if (new_size > record.size)
        if (const Block kept = map::kept_to_grow_in(record, new_size); kept.at)
            if (const Resized copied = copy_to(kept, block, record, new_size); copied.at) return copied;
    return move_at_source(block, record, [&] { return map::remap(block, record, new_size); });
}

Resized resize_backend(void* block, Record record, size_t new_size, size_t alignment) {
    const tarn_backend* backend = chosen_backend();
    if (!backend->resize || new_size >= options.map_from || alignment > kSmallestAlignment) return {};
    const Visit visit;
    if (!visit) return {};
    return move_at_source(block, record, [&]() -> Block {
        void* at = backend->resize(block, record.size, new_size);
        if (!at) return {};
        return {at, {usable_size(backend, at, new_size), BlockSource::kBackend}, new_size};
    });
}

Resized resize_guarded(void* block, Record record, size_t new_size, size_t alignment) {
    if (const Record changed = guarded::resize_in_place(block, record, new_size); changed.size) {
        update_block(block, changed);
        return resized(block, record, changed, Copied::kNo);
    }
    if (alignment > os::page_size()) return {};
    return move_at_source(block, record, [&] { return guarded::remap(block, record, new_size); });
}

// A block that has grown will grow again: it gets room to spare, and a mapping as soon as remapping beats copying.
Block allocate_growing(size_t size, size_t alignment) {
    if (options.hardened) [[unlikely]]
        return allocate_or_trim(size, alignment, Zero::kNo);
    if (size < kRemapFrom) return allocate_or_trim(size + size / kGrowth, alignment, Zero::kNo);
    const Block block = alignment <= os::page_size() ? map::allocate_growing(size) : Block{};
    return block.at ? block : allocate_or_trim(size, alignment, Zero::kNo);
}

Resized resize_by_copy(void* block, Record record, size_t new_size, size_t alignment) {
    const bool grows = new_size > record.size;
    Block target = grows ? allocate_growing(new_size, alignment)
                         : allocate_anywhere(clamp(new_size), alignment, Zero::kNo);
    if (target.record.source == BlockSource::kGuarded && record.source == BlockSource::kGuarded)
        target.record.tag = static_cast<Tag>(target.record.tag | (record.tag & kNotes));
    const Resized copied = copy_to(target, block, record, new_size);
    return copied.at || grows ? copied : Resized{block, Copied::kNo};
}

}  // namespace

void load_backend() {
    first_thread = thread_pointer();
    choose_backend();
}

void* allocate_block(size_t size, size_t alignment, Zero zero) {
    if (size > kLargestBlock) return nullptr;
    note_thread();
    const Block block = allocate_or_trim(clamp(size), std::max(alignment, kSmallestAlignment), zero);
    if (!entered(block)) return nullptr;
    if (zero == Zero::kYes) memset(block.at, 0, std::min(size, block.dirty));
    counters.allocations.fetch_add(1, std::memory_order_relaxed);
    count_live(block.record.size);
    return block.at;
}

BlockFree free_block(void* block) {
    note_thread();
    const FoundBlock found = strike_block(block);
    if (found.state == BlockState::kUnknown) return BlockFree::kUnknown;
    if (found.state == BlockState::kLive) {
        count_dead(found.record.size);
        counters.frees.fetch_add(1, std::memory_order_release);
        give_back(block, found.record);
        return BlockFree::kFreed;
    }
    // Unmapped since, and mapped again by somebody else? Then it is theirs, not ours twice.
    const bool unmapped = found.record.source == BlockSource::kGuarded
                              ? !guarded::is_waiting(block)
                              : found.record.source == BlockSource::kMapping && !map::is_kept(block);
    return unmapped && os::readable(block, 1) ? BlockFree::kUnknown : BlockFree::kAlreadyFreed;
}

size_t block_size(const void* block) {
    const FoundBlock found = find_block(block);
    return found.state == BlockState::kLive ? found.record.size : 0;
}

bool inside_block(const void* p) {
    constexpr size_t kReach = size_t{1} << 30;  // further back a message is not worth the walk
    return lies_in_block(p, kReach);
}

Resized resize_block(void* block, size_t new_size, size_t alignment) {
    note_thread();
    alignment = std::max(alignment, kSmallestAlignment);
    if (new_size > kLargestBlock) return {};
    const Record record = find_block(block).record;
    if (record.source == BlockSource::kGuarded) {
        const Resized done = resize_guarded(block, record, clamp(new_size), alignment);
        return done.at ? done : resize_by_copy(block, record, new_size, alignment);
    }
    if (new_size <= record.size && new_size >= worth_keeping(record.size)) return {block, Copied::kNo};
    Resized done;
    if (record.source == BlockSource::kBackend) done = resize_backend(block, record, new_size, alignment);
    if (record.source == BlockSource::kMapping)
        done = resize_mapping(block, record, clamp(new_size), alignment);
    return done.at ? done : resize_by_copy(block, record, new_size, alignment);
}

void prefer_huge_pages(void* block) {
    const FoundBlock found = find_block(block);
    if (found.state != BlockState::kLive || found.record.source != BlockSource::kMapping) return;
    const Record advised = map::prefer_huge_pages(block, found.record);
    if (advised.tag != found.record.tag) update_block(block, advised);
}

unsigned block_note(const void* block) {
    const FoundBlock found = find_block(block);
    const bool has = found.state == BlockState::kLive && found.record.source == BlockSource::kGuarded;
    return has ? found.record.tag & kNotes : 0;
}

void set_block_note(void* block, unsigned note) {
    FoundBlock found = find_block(block);
    if (found.state != BlockState::kLive || found.record.source != BlockSource::kGuarded) return;
    found.record.tag = static_cast<Tag>((found.record.tag & ~kNotes) | note);
    update_block(block, found.record);
}

bool block_is_exact(const void* block) {
    return find_block(block).record.source == BlockSource::kGuarded;
}

BlockStats block_stats() {
    BlockStats stats = {};
    stats.frees = counters.frees.load(std::memory_order_acquire);
    stats.allocations = counters.allocations.load(std::memory_order_relaxed);
    stats.grown_in_place = counters.grown_in_place.load(std::memory_order_relaxed);
    stats.live_blocks = stats.allocations > stats.frees ? stats.allocations - stats.frees : 0;
    stats.live_bytes = counters.live_bytes.load(std::memory_order_relaxed);
    stats.peak_bytes = counters.peak_bytes.load(std::memory_order_relaxed);
    const map::Stats mapped = map::stats();
    tarn_backend_stats inner = {};
    const tarn_backend* backend = chosen_backend();
    if (backend && backend->stats)
        if (const Visit visit; visit) backend->stats(&inner);
    stats.backend_committed = mapped.live + mapped.kept + guarded::live_bytes() + inner.committed;
    stats.backend_cached = mapped.kept + inner.cached;
    return stats;
}

size_t live_block_bytes() {
    return counters.live_bytes.load(std::memory_order_relaxed);
}

void make_room_for_small() {
    note_thread();
    map::trim();
    map::trim_runs_at_hand();
}

// The backend first: what it gives back may be blocks of ours.
size_t trim_blocks() {
    note_thread();
    const tarn_backend* backend = chosen_backend();
    if (backend && backend->trim)
        if (const Visit visit; visit) backend->trim();
    const size_t bytes = map::trim();
    if (options.hardened) guarded::trim();
    map::trim_runs_at_hand();
    return bytes;
}

void blocks_before_fork() {
    visits_before_fork();
}
void blocks_after_fork_parent() {
    visits_after_fork_parent();
}
void blocks_after_fork_child() {
    first_thread = thread_pointer();
    map::after_fork_child(others.exchange(false, std::memory_order_relaxed));
    visits_after_fork_child();
}

}  // namespace tarn
