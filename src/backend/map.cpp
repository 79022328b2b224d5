// SPDX-License-Identifier: MIT
// One lock, for the cache of freed mappings and the count of live ones; no system call is made under it.
#include "backend/map.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "backend/huge_pages.h"
#include "backend/range_cache.h"
#include "backend/remap.h"
#include "base/lock.h"
#include "base/missed.h"
#include "base/options.h"
#include "base/os.h"
#include "pages/runs.h"

namespace tarn::map {

namespace {

// What may be kept: half of the live bytes, and besides as much as was given back to the kernel and missed
// afterwards, up to twice the largest mapping that was freed so far: as glibc raises its thresholds
// (malloc/malloc.c, M_MMAP_THRESHOLD). So a program that takes and gives large blocks in turn has its pages
// at hand, and large buffers that are used once go back to the kernel.
constexpr size_t kKeptAtLeast = size_t{2} << 20;
constexpr size_t kKeptForMany = size_t{10} << 20;  // small ones are freed by the dozen
constexpr size_t kKeptLargest = size_t{32} << 20;
constexpr size_t kKeptShare = 2;
// Runs go back to the kernel early, since small objects seldom need them again at once; but every mapping
// that is unmapped among others costs one of the kernel's 65,530 per process.
constexpr size_t kRunSizeMost = 4 * kUnitSize;
// Of a block, when its density is asked for: what was written last, but for the room to spare at the end.
constexpr size_t kLookMost = kHugePage;
constexpr size_t kLookBefore = 8;                   // 1/8 from the end
constexpr size_t kHugeChunksBelow = 2 * kHugePage;  // smaller blocks share huge pages with others
constexpr size_t kGrowth = 16;                      // 1/16 more room for what grows: untouched address space

struct Kept {
    Lock lock;
    size_t live = 0;
    Missed missed;
    size_t missed_most = 0;
    RangeCache cache;
    HugePages huge;
    Range latest;  // the last fresh mapping, until it was looked at; may be gone

    size_t in_blocks() const { return live + cache.bytes(); }
    size_t limit() const { return live / kKeptShare + std::max(missed.worth_keeping(), kKeptAtLeast); }
    void freed(size_t size, const Evicted& evicted) {
        for (const Range& range : evicted)
            missed.returned(range.size);
        if (size <= kKeptLargest)
            missed_most = std::max({missed_most, 2 * size, std::min(16 * size, kKeptForMany)});
    }
};
constinit Kept kept;
constinit std::atomic<Tag> last_tag{0};

// For what mremap has moved. 0 and kHugeTag are for what was never moved.
Tag new_tag(Tag base) {
    const auto tag = static_cast<Tag>((last_tag.fetch_add(1, std::memory_order_relaxed) + 1) % kHugeTag);
    return static_cast<Tag>(base + (tag ? tag : 1));
}
Tag base_tag(Tag tag) {
    return is_huge(tag) ? kHugeTag : Tag{0};
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

bool huge_allowed() {
    return options.huge_pages == HugePageUse::kDenseBlocks && os::page_size() == os::kPageSize;
}

struct Density {
    size_t seen, resident;
};
Density density(Range range) {
    const size_t written = round_to_pages(range.size - range.size / kLookBefore);
    const size_t seen = std::min(written, kLookMost);
    return {seen, os::resident(range.at + written - seen, seen)};
}

// Huge pages say nothing: they are resident whole.
void learn_density(Range range) {
    if (!huge_allowed() || is_huge(range.tag)) return;
    {
        Guard guard(kept.lock);
        if (!kept.huge.curious(kept.in_blocks())) return;
    }
    const Density found = density(range);
    Guard guard(kept.lock);
    kept.huge.learn(found.seen, found.resident);
}

// Before anything was given back: is the last fresh block written by now? If it is not, that says nothing
// yet. Should it be gone, mincore fails.
void learn_from_latest(size_t size) {
    if (!huge_allowed()) return;
    Range latest;
    {
        Guard guard(kept.lock);
        if (!kept.huge.clueless(kept.in_blocks() + size)) return;
        latest = std::exchange(kept.latest, {});
    }
    const Density found = density(latest);
    if (found.seen == 0 || !HugePages::dense(found.seen, found.resident)) return;
    Guard guard(kept.lock);
    kept.huge.learn(found.seen, found.resident);
}

// A block that grows is judged by itself: was it written as it grew so far?
bool growth_deserves_huge(Range range, size_t size) {
    if (!huge_allowed() || is_huge(range.tag) || size < kHugeChunksBelow) return false;
    {
        Guard guard(kept.lock);
        if (kept.in_blocks() + size - range.size < HugePages::kFrom) return false;
    }
    const Density found = density(range);
    return HugePages::dense(found.seen, found.resident);
}

bool huge_wanted(size_t size) {
    if (!huge_allowed()) return false;
    Guard guard(kept.lock);
    return kept.huge.wanted(kept.in_blocks() + size, size);
}

// A range of whole pages goes back: `live` bytes of it were counted.
void put_range(Range range) {
    learn_density(range);
    Evicted evicted;
    {
        Guard guard(kept.lock);
        kept.live -= range.size;
        kept.cache.put(range, evicted);
        kept.cache.shrink_to(kept.limit(), evicted);
        kept.freed(range.size, evicted);
    }
    unmap_all(evicted);
    if (evicted.full()) shrink_cache();
}

void count_live(size_t bytes) {
    Guard guard(kept.lock);
    kept.live += bytes;
}

Range take_cached(size_t size) {
    Guard guard(kept.lock);
    const Range range = kept.cache.take(size);
    if (range.size == 0) kept.missed.asked(size, kept.missed_most);
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
    if (!at && trim() + trim_runs(64).address_space > 0) at = map_aligned(size, alignment);
    if (!at) return nullptr;
    // Every mapping alike, whatever its size: neighbours then are one mapping to the kernel, which mremap
    // needs.
    if (options.huge_pages == HugePageUse::kAlways)
        os::advise_huge_pages(at, size);
    else
        os::forbid_huge_pages(at, size);
    return at;
}

Block mapping(Range range, size_t dirty) {
    return {range.at, {range.size, BlockSource::kMapping, range.tag}, dirty};
}

enum class HugeGrowth : bool { kNo, kYes };

// mremap; the tag stays when the place does. Huge pages are for what is still missing.
Range remap_range(Range range, size_t size, HugeGrowth huge) {
    auto* const at = static_cast<char*>(remap_by_huge_pages(range.at, range.size, size));
    if (!at) return {};
    count_live(size - range.size);
    Tag tag = at == range.at ? range.tag : new_tag(base_tag(range.tag));
    if (!is_huge(tag) && huge == HugeGrowth::kYes) {
        os::advise_huge_pages(at, size);
        tag = new_tag(kHugeTag);
    }
    return {at, size, tag};
}

// Nothing kept is long enough: the longest range is made so. Its pages are there already; moving them is
// cheap beside faulting new ones in, and no short ranges pile up.
Block lengthen_cached(size_t size) {
    const Range range = take_longest();
    if (range.size == 0) return {};
    const bool huge = size >= kHugeChunksBelow && huge_wanted(size);
    const Range longer = remap_range(range, size, huge ? HugeGrowth::kYes : HugeGrowth::kNo);
    if (longer.at) return mapping(longer, range.size);
    put_range(range);
    return {};
}

// A fresh mapping with huge pages. Small blocks leave the rest of it to others.
Block map_huge(size_t size) {
    const size_t whole = size < kHugeChunksBelow ? (size + kHugePage - 1) / kHugePage * kHugePage : size;
    if (whole - size < RangeCache::kSmallestRange) size = whole;
    char* at = map_aligned(whole, kHugePage);
    if (!at) return {};
    os::advise_huge_pages(at, whole);
    Evicted evicted;
    {
        Guard guard(kept.lock);
        kept.live += size;
        if (whole > size) kept.cache.put({at + size, whole - size, kHugeTag}, evicted);
    }
    unmap_all(evicted);
    return mapping({at, size, kHugeTag}, 0);
}

Block allocate_mapping(size_t size, size_t alignment) {
    if (size > registry::kLargestBlock || alignment > registry::kLargestBlock) return {};
    const size_t rounded = round_to_pages(size);
    if (alignment <= os::page_size()) {
        if (const Range range = take_cached(rounded); range.size) return mapping(range, range.size);
        learn_from_latest(rounded);
        const bool huge = huge_wanted(rounded);
        if (huge && rounded < kHugeChunksBelow)
            if (const Block block = map_huge(rounded); block.at) return block;
        if (const Block block = lengthen_cached(rounded); block.at) return block;
        if (huge)
            if (const Block block = map_huge(rounded); block.at) return block;
    }
    char* at = map_fresh(rounded, alignment);
    if (!at) return {};
    Guard guard(kept.lock);
    kept.live += rounded;
    kept.latest = {at, rounded};
    return mapping(kept.latest, 0);
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
    if (new_size <= record.size) return shrink_in_place(range, new_size);
    return growth_deserves_huge(range, new_size) ? 0 : grow_in_place(range, new_size);
}

Block remap(void* at, Record record, size_t new_size) {
    if (record.source == BlockSource::kRun || new_size > registry::kLargestBlock) return {};
    const Range range = range_of(at, record);
    const HugeGrowth huge = growth_deserves_huge(range, new_size) ? HugeGrowth::kYes : HugeGrowth::kNo;
    for (const size_t wanted : {new_size + new_size / kGrowth, new_size}) {
        const Range moved = remap_range(range, round_to_pages(wanted), huge);
        if (moved.at) return mapping(moved, record.size);
    }
    return {};
}

Record prefer_huge_pages(void* at, Record record) {
    if (options.huge_pages == HugePageUse::kNever || is_huge(record.tag)) return record;
    os::advise_huge_pages(at, record.size);
    record.tag = new_tag(kHugeTag);
    return record;
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
    ReportGuard guard(kept.lock);
    return {kept.live, kept.cache.bytes()};
}

void after_fork_child() {
    if (kept.lock.recover()) kept.cache.forget_all();
}

}  // namespace tarn::map
