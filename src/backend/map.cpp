// SPDX-License-Identifier: MIT
// One lock, for the cache of freed mappings and the count of live ones; no system call is made under it.
#include "backend/map.h"

#include <algorithm>
#include <atomic>

#include "backend/range_cache.h"
#include "base/lock.h"
#include "base/options.h"
#include "base/os.h"
#include "pages/runs.h"

namespace tarn::map {

namespace {

// What may be kept: half of the live bytes, and besides twice the largest mapping that was freed so far, up
// to a bound: as glibc raises its thresholds (malloc/malloc.c, M_MMAP_THRESHOLD). So a program that takes and
// gives large blocks in turn has its pages at hand, and a single large buffer goes back to the kernel.
constexpr size_t kKeptAtLeast = size_t{2} << 20;
constexpr size_t kKeptForMany = size_t{10} << 20;  // small ones are freed by the dozen
constexpr size_t kKeptLargest = size_t{32} << 20;
constexpr size_t kKeptShare = 2;
// Runs go back to the kernel early, since small objects seldom need them again at once; but every mapping
// that is unmapped among others costs one of the kernel's 65,530 per process.
constexpr size_t kRunSizeMost = 4 * kUnitSize;
constexpr size_t kGrowth = 16;  // 1/16 more room for what grows: untouched address space

struct Kept {
    Lock lock;
    size_t live = 0;
    size_t learned = 0;
    RangeCache cache;

    size_t limit() const { return live / kKeptShare + std::max(learned, kKeptAtLeast); }
    // After the range has been judged by the limit that held before it.
    void learn(size_t freed) {
        if (freed > kKeptLargest) return;
        const size_t wanted = std::max(2 * freed, std::min(16 * freed, kKeptForMany));
        learned = std::max(learned, wanted);
    }
};
constinit Kept kept;
constinit std::atomic<Tag> last_tag{0};

// For what mremap has moved. 0 is for what was never moved.
Tag new_tag() {
    const auto tag = static_cast<Tag>((last_tag.fetch_add(1, std::memory_order_relaxed) + 1) % kTags);
    return tag ? tag : 1;
}

size_t round_to_pages(size_t size) {
    const size_t page = os::page_size();
    return (size + page - 1) & ~(page - 1);
}

void unmap_all(const Evicted& evicted) {
    for (const Range& range : evicted)
        os::unmap(range.at, range.size);
}

// Unmaps until at most limit(live) bytes are kept. `live` may change meanwhile; the last one sees it.
void shrink_cache() {
    for (;;) {
        Evicted evicted;
        {
            Guard guard(kept.lock);
            kept.cache.shrink_to(kept.limit(), evicted);
        }
        unmap_all(evicted);
        if (!evicted.full()) return;
    }
}

// A range of whole pages goes back: `live` bytes of it were counted.
void put_range(Range range) {
    Evicted evicted;
    {
        Guard guard(kept.lock);
        kept.live -= range.size;
        kept.cache.put(range, evicted);
    }
    unmap_all(evicted);
    shrink_cache();
    Guard guard(kept.lock);
    kept.learn(range.size);
}

void count_live(size_t bytes) {
    Guard guard(kept.lock);
    kept.live += bytes;
}

Range take_cached(size_t size) {
    Guard guard(kept.lock);
    const Range range = kept.cache.take(size);
    kept.live += range.size;
    return range;
}

Range take_longest() {
    Guard guard(kept.lock);
    const Range range = kept.cache.take_longest();
    kept.live += range.size;
    return range;
}

char* map_aligned(size_t size, size_t alignment) {
    const size_t page = os::page_size();
    if (alignment <= page) return static_cast<char*>(os::map(size));
    const size_t padded = size + alignment - page;
    char* at = static_cast<char*>(os::map(padded));
    if (!at) return nullptr;
    const size_t lead = (alignment - reinterpret_cast<uintptr_t>(at) % alignment) % alignment;
    const size_t tail = padded - lead - size;
    if (lead) os::unmap(at, lead);
    if (tail) os::unmap(at + lead + size, tail);
    return at + lead;
}

// Out of address space or of memory: what is kept goes first.
char* map_fresh(size_t size, size_t alignment) {
    char* at = map_aligned(size, alignment);
    if (!at && trim() + shrink_region() > 0) at = map_aligned(size, alignment);
    if (!at) return nullptr;
    // Every mapping alike, whatever its size: neighbours then are one mapping to the kernel, which mremap
    // needs.
    if (options.huge_pages)
        os::advise_huge_pages(at, size);
    else
        os::forbid_huge_pages(at, size);
    return at;
}

Block mapping(Range range, size_t dirty) {
    return {range.at, {range.size, BlockSource::kMapping, range.tag}, dirty};
}

// mremap; the tag stays when the place does.
Range remap_range(Range range, size_t size) {
    auto* at = static_cast<char*>(os::remap(range.at, range.size, size));
    if (!at) return {};
    count_live(size - range.size);
    return {at, size, at == range.at ? range.tag : new_tag()};
}

// Nothing kept is long enough: the longest range is made so. Its pages are there already; moving them is
// cheap beside faulting new ones in, and no short ranges pile up.
Block lengthen_cached(size_t size) {
    const Range range = take_longest();
    if (range.size == 0) return {};
    const Range longer = remap_range(range, size);
    if (longer.at) return mapping(longer, range.size);
    put_range(range);
    return {};
}

Block allocate_mapping(size_t size, size_t alignment) {
    if (size > registry::kLargestBlock || alignment > registry::kLargestBlock) return {};
    const size_t rounded = round_to_pages(size);
    if (alignment <= os::page_size()) {
        if (const Range range = take_cached(rounded); range.size) return mapping(range, range.size);
        if (const Block block = lengthen_cached(rounded); block.at) return block;
    }
    char* at = map_fresh(rounded, alignment);
    if (!at) return {};
    count_live(rounded);
    return mapping({at, rounded}, 0);
}

Block allocate_run(size_t size, size_t alignment) {
    const size_t units = (size + kUnitSize - 1) / kUnitSize;
    if (size > kRunSizeMost || alignment > kUnitSize) return {};
    const Run run = take_run(units, RunUse::kBlock);
    return {run.at, {units * kUnitSize, BlockSource::kRun}, run.zeroed ? 0 : units * kUnitSize};
}

// Takes what follows a mapping out of the cache.
bool absorb(Range behind) {
    Guard guard(kept.lock);
    if (!kept.cache.take_exactly(behind)) return false;
    kept.live += behind.size;
    return true;
}

size_t grow_in_place(Range range, size_t new_size) {
    const size_t exact = round_to_pages(new_size);
    const size_t roomy = round_to_pages(new_size + new_size / kGrowth);
    for (const size_t wanted : {roomy, exact})
        if (absorb({range.at + range.size, wanted - range.size, range.tag})) return wanted;
    for (const size_t wanted : {roomy, exact})
        if (os::resize_in_place(range.at, range.size, wanted)) return count_live(wanted - range.size), wanted;
    return 0;
}

size_t shrink_in_place(Range range, size_t new_size) {
    const size_t rounded = round_to_pages(new_size);
    if (range.size - rounded < RangeCache::kSmallestRange) return range.size;
    put_range({range.at + rounded, range.size - rounded, range.tag});
    return rounded;
}

Range range_of(void* at, Record record) {
    return {static_cast<char*>(at), record.size, record.tag};
}

}  // namespace

Block allocate(size_t size, size_t alignment) {
    const Block block = allocate_run(size, alignment);
    return block.at ? block : allocate_mapping(size, alignment);
}

Block allocate_growing(size_t size) {
    return allocate_mapping(size + size / kGrowth, 1);
}

void free(void* at, Record record) {
    if (record.source == BlockSource::kRun) return give_run(at, record.size / kUnitSize);
    put_range(range_of(at, record));
}

size_t resize_in_place(void* at, Record record, size_t new_size) {
    if (record.source == BlockSource::kRun) return 0;
    const Range range = range_of(at, record);
    return new_size > record.size ? grow_in_place(range, new_size) : shrink_in_place(range, new_size);
}

Block remap(void* at, Record record, size_t new_size) {
    if (record.source == BlockSource::kRun || new_size > registry::kLargestBlock) return {};
    for (const size_t wanted : {new_size + new_size / kGrowth, new_size}) {
        const Range moved = remap_range(range_of(at, record), round_to_pages(wanted));
        if (moved.at) return mapping(moved, record.size);
    }
    return {};
}

size_t trim() {
    size_t bytes = 0;
    for (;;) {
        Evicted evicted;
        {
            Guard guard(kept.lock);
            kept.cache.shrink_to(0, evicted);
        }
        unmap_all(evicted);
        for (const Range& range : evicted)
            bytes += range.size;
        if (!evicted.full()) return bytes;
    }
}

bool is_cached(const void* at) {
    Guard guard(kept.lock);
    return kept.cache.contains(static_cast<const char*>(at));
}

Stats stats() {
    Guard guard(kept.lock);
    return {kept.live, kept.cache.bytes()};
}

void after_fork_child() {
    if (kept.lock.try_lock()) return kept.lock.unlock();
    kept.cache.forget_all();
    kept.lock.reset();
}

}  // namespace tarn::map
