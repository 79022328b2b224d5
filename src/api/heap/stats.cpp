// SPDX-License-Identifier: MIT
// What a heap tells of itself.
#include <errno.h>

#include <atomic>

#include "api/heap/state.h"

namespace {

using namespace tarn::user_heap;

constexpr size_t kCounts = offsetof(tarn_heap_stats, live_bytes);
constexpr size_t kClassStats = offsetof(tarn_heap_stats, class_stats);

// Of what an owner writes meanwhile.
template <class Word>
Word read_word(const Word& word) {
    return __atomic_load_n(&word, __ATOMIC_RELAXED);
}

void count_chunk(const void* record, void* counts) {
    Chunk now;
    now.counts = read_word(static_cast<const Chunk*>(record)->counts);
    static_cast<tarn::MeterCounts*>(counts)->heap_allocations += now.allocations();
    static_cast<tarn::MeterCounts*>(counts)->heap_live_objects += now.used();
}

constinit tarn::Meter chunks_of_all([](const tarn::Meter&, tarn::MeterCounts& counts) {
    each_record(count_chunk, &counts);
});
constinit std::atomic<bool> listed{false};

uint64_t shown_limit(int64_t limit) {
    return limit == kNoLimit ? 0 : static_cast<uint64_t>(limit);
}

void read_class(const tarn_heap& heap, ClassIndex c, tarn_heap_class_stats& stats) {
    stats.object_size = kSizes[c];
    stats.allocations = heap.past_allocations[c];
    for (const Chunk* list : {heap.partial[c], heap.full[c]})
        for (const Chunk* chunk = list; chunk; chunk = chunk->next) {
            stats.allocations += chunk->allocations();
            stats.live_objects += chunk->used();
            ++stats.chunks;
        }
}

void read(tarn_heap& heap, tarn_heap_stats& stats) {
    HeapGuard guard(heap);
    stats.version = TARN_HEAP_VERSION;
    stats.classes = kClassCount;
    stats.live_bytes = static_cast<uint64_t>(heap.live());
    stats.peak_bytes = static_cast<uint64_t>(heap.peak());
    stats.quota = shown_limit(heap.quota);
    stats.soft_limit = shown_limit(heap.soft_limit);
    stats.reserve = static_cast<uint64_t>(heap.reserve);
    stats.refusals = heap.refusals;
    stats.allocations = heap.large_served;
    stats.live_objects = stats.large_blocks = heap.block_count;
    stats.chunks = heap.chunks;
    stats.empty_chunks = heap.empty_chunks;
    for (ClassIndex c = 0; c < kClassCount; ++c) {
        read_class(heap, c, stats.class_stats[c]);
        stats.allocations += stats.class_stats[c].allocations;
        stats.live_objects += stats.class_stats[c].live_objects;
    }
    stats.frees = stats.allocations - stats.live_objects;
}

}  // namespace

namespace tarn::user_heap {

// A limit that changes meanwhile may be seen in one of two words only.
void count_heap(const Meter& meter, MeterCounts& counts) {
    const tarn_heap& heap = static_cast<const HeapMeter&>(meter).heap;
    ++counts.heaps;
    ++counts.heaps_made;
    counts.heap_allocations += read_word(heap.large_served);
    for (const uint64_t& past : heap.past_allocations)
        counts.heap_allocations += read_word(past);
    counts.heap_live_objects += read_word(heap.block_count);
    const int64_t live = read_word(heap.limit) - read_word(heap.headroom);
    counts.heap_live_bytes += live > 0 ? static_cast<uint64_t>(live) : 0;
}

void count_chunks() {
    if (!listed.load(std::memory_order_relaxed) && !listed.exchange(true)) chunks_of_all.list();
}

}  // namespace tarn::user_heap

int tarn_heap_stats_get(tarn_heap* heap, tarn_heap_stats* stats, size_t size) {
    if (!stats || size < kCounts) {
        errno = EINVAL;
        return -1;
    }
    tarn_heap_stats now{};
    read(*heap, now);
    const size_t room = size < kClassStats ? 0 : (size - kClassStats) / sizeof(tarn_heap_class_stats);
    if (now.classes > room) now.classes = static_cast<uint32_t>(room);
    const size_t known = size < sizeof now ? size : sizeof now;
    __builtin_memcpy(stats, &now, known);
    __builtin_memset(reinterpret_cast<char*>(stats) + known, 0, size - known);
    return 0;
}

uint64_t tarn_heap_live_bytes(tarn_heap* heap) {
    HeapGuard guard(*heap);
    return static_cast<uint64_t>(heap->live());
}
