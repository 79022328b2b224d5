// SPDX-License-Identifier: MIT
// Blocks out of runs and of mappings. What is kept, and how it goes back, is in books.h.
#include "backend/map/map.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "backend/map/advice.h"
#include "backend/map/books.h"
#include "backend/map/density.h"
#include "backend/map/remap.h"
#include "backend/map/run_cache.h"
#include "base/options.h"
#include "os/os.h"
#include "pages/runs.h"

namespace tarn::map {

namespace {

constexpr Units kRunsKept = Units{64};  // by small objects, when address space is short
constexpr size_t kRunSizeMost = kUnitsMost.bytes();

constinit std::atomic<Tag> last_tag{0};

// For what mremap has moved. 0 and kHugeTag are for what was never moved.
Tag new_tag(Tag base) {
    const auto tag = static_cast<Tag>((last_tag.fetch_add(1, std::memory_order_relaxed) + 1) % kHugeTag);
    return static_cast<Tag>(base + (tag ? tag : 1));
}
Tag base_tag(Tag tag) {
    return is_huge(tag) ? kHugeTag : Tag{0};
}

size_t with_room(size_t size) {
    return size + size / (size < kHugeChunksBelow ? kGrowthSmall : kGrowth);
}

// A range of whole pages goes back: its bytes were counted.
void put_range(Books& all, Range range) {
    learn_density(all, range);
    fetch_nodes(all);
    {
        Guard guard(all.lock);
        all.uncount(range.size);
        all.cache.put(range);
        all.freed(range.size);
    }
    shrink_cache(all);
}

Taken take_kept(Books& all, size_t size, size_t alignment) {
    Guard guard(all.lock);
    const Taken taken = all.cache.take(size, alignment);
    if (taken.range.size == 0) all.missed.asked(size, all.missed_most);
    all.count(taken.range.size);
    return taken;
}

// Cuts the block out of a longer mapping, and drops the parts in front of it and behind. The books hold it with
// this tag.
char* map_aligned(Books& all, size_t size, size_t alignment, Tag tag) {
    const size_t page = os::page_size();
    const size_t padded = alignment <= page ? size : size + alignment - page;
    auto* const at = static_cast<char*>(os::map(padded));
    if (!at) return nullptr;
    const size_t lead = (alignment - reinterpret_cast<uintptr_t>(at) % alignment) % alignment;
    const Range before{at, lead}, block{at + lead, size, tag}, behind{at + lead + size, padded - lead - size};
    {
        Guard guard(all.lock);
        for (const Range& range : {before, block, behind})
            if (range.size) all.mappings.added(range);
        all.count(size);
    }
    for (const Range& range : {before, behind})
        if (range.size) drop_untouched(all, range);
    return block.at;
}

// Out of address space or of memory: what is kept goes first.
char* map_fresh(Books& all, size_t size, size_t alignment) {
    char* at = map_aligned(all, size, alignment, 0);
    if (!at && give_back_all(all, Pressed::kYes) + trim_runs(kRunsKept).address_space > 0)
        at = map_aligned(all, size, alignment, 0);
    if (at) advise_fresh({at, size});
    return at;
}

Block mapping(Range range, size_t dirty) {
    return {range.at, {range.size, BlockSource::kMapping, range.tag}, dirty};
}

// Out of the books, since another thread may be given the old place before this one is back. Where the kernel
// has few mappings left for us nothing is moved: it would be one more.
char* move(Books& all, Range range, size_t size) {
    bool scarce;
    {
        Guard guard(all.lock);
        scarce = all.mappings.scarce();
        all.mappings.removed(range);
    }
    auto* const at = !scarce ? static_cast<char*>(remap_by_huge_pages(range.at, range.size, size))
                     : os::resize_in_place(range.at, range.size, size) ? range.at
                                                                       : nullptr;
    if (at) return at;
    Guard guard(all.lock);
    all.mappings.added(range);
    return nullptr;
}

enum class HugeGrowth : bool { kNo, kYes };

// mremap; the tag stays when the place does. Huge pages are for what is still missing.
Range remap_range(Books& all, Range range, size_t size, HugeGrowth huge) {
    char* const at = move(all, range, size);
    if (!at) return {};
    Tag tag = at == range.at ? range.tag : new_tag(base_tag(range.tag));
    if (!is_huge(tag) && huge == HugeGrowth::kYes && want_huge({at, size})) tag = new_tag(kHugeTag);
    Guard guard(all.lock);
    all.mappings.added({at, size, tag});
    all.count(size - range.size);
    return {at, size, tag};
}

// Kept in ordinary pages, and huge ones are wanted: it goes, for those cost less at each use. True: it is gone.
bool gives_way_to_huge(Books& all, Range range) {
    if (is_huge(range.tag) || !unmap_range(all, range, Pressed::kNo)) return false;
    Guard guard(all.lock);
    all.uncount(range.size);
    return true;
}

// Nothing kept is long enough: the longest range is made so. Its pages are there already; moving them is
// cheap beside faulting new ones in, and no short ranges pile up.
Block lengthen_kept(Books& all, size_t size) {
    Range range;
    {
        Guard guard(all.lock);
        if (all.mappings.scarce()) return {};
        range = all.cache.take_longest().range;
        all.count(range.size);
    }
    if (range.size == 0) return {};
    const bool huge = size >= kHugeChunksBelow && huge_wanted(all, size, size);
    if (huge && gives_way_to_huge(all, range)) return {};
    if (huge) size = to_whole_huge_page(range.at, size);
    const Range longer = remap_range(all, range, size, huge ? HugeGrowth::kYes : HugeGrowth::kNo);
    if (longer.at) return mapping(longer, range.size);
    put_range(all, range);
    return {};
}

// A fresh mapping with huge pages. Small blocks leave the rest of it to others.
Block map_huge(Books& all, size_t size) {
    const bool shares = size < kHugeChunksBelow;
    const size_t whole = shares ? round_up(size, kHugePage) : to_whole_huge_page(nullptr, size);
    if (!shares || whole - size < RangeCache::kSmallestRest) size = whole;
    char* const at = map_aligned(all, whole, kHugePage, kHugeTag);
    if (!at) return {};
    want_huge({at, whole});
    Guard guard(all.lock);
    if (whole > size) {
        all.uncount(whole - size);
        all.cache.put({at + size, whole - size, kHugeTag});
    }
    return mapping({at, size, kHugeTag}, 0);
}

Block allocate_mapping(size_t size, size_t alignment) {
    if (size > kLargestBlock || alignment > kLargestBlock) return {};
    Books& all = books();
    const size_t rounded = round_to_pages(size);
    fetch_nodes(all);
    if (const Taken taken = take_kept(all, rounded, alignment); taken.range.size) {
        const bool better = alignment <= os::page_size() && rounded >= kHugeChunksBelow &&
                            huge_wanted(all, rounded, 0) && gives_way_to_huge(all, taken.range);
        if (!better) return mapping(taken.range, taken.dirty);
    }
    if (alignment <= os::page_size()) {
        learn_from_latest(all, rounded);
        const bool huge = huge_wanted(all, rounded, rounded);
        if (huge && rounded < kHugeChunksBelow)
            if (const Block block = map_huge(all, rounded); block.at) return block;
        if (const Block block = lengthen_kept(all, rounded); block.at) return block;
        if (huge)
            if (const Block block = map_huge(all, rounded); block.at) return block;
    }
    char* const at = map_fresh(all, rounded, alignment);
    if (!at) return {};
    Guard guard(all.lock);
    all.latest = {at, rounded};
    return mapping(all.latest, 0);
}

Block allocate_run(size_t size, size_t alignment) {
    if (size > kRunSizeMost || alignment > kUnitSize) return {};
    const Units units = Units::holding(size);
    const Record record{units.bytes(), BlockSource::kRun};
    if (void* const at = take_run_at_hand(units)) return {at, record, record.size};
    const Run run = take_run(units, RunUse::kBlock);
    return {run.at, record, run.zeroed ? 0 : record.size};
}

// Takes what follows a mapping out of the cache.
bool absorb(Books& all, Range behind) {
    Guard guard(all.lock);
    if (!all.cache.take_exactly(behind)) return false;
    all.count(behind.size);
    return true;
}

size_t grow_in_place(Books& all, Range range, size_t new_size) {
    const size_t exact = round_to_pages(new_size);
    const size_t roomy = round_to_pages(with_room(new_size));
    for (const size_t wanted : {roomy, exact})
        if (absorb(all, {range.end(), wanted - range.size, range.tag})) return wanted;
    for (const size_t wanted : {roomy, exact}) {
        if (!os::resize_in_place(range.at, range.size, wanted)) continue;
        Guard guard(all.lock);
        all.mappings.added({range.end(), wanted - range.size, range.tag});
        all.count(wanted - range.size);
        return wanted;
    }
    return 0;
}

size_t shrink_in_place(Books& all, Range range, size_t new_size) {
    const size_t rounded = round_to_pages(new_size);
    if (range.size - rounded < RangeCache::kSmallestRest) return range.size;
    put_range(all, {range.at + rounded, range.size - rounded, range.tag});
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
    return allocate_mapping(with_room(size), 1);
}

void free(void* at, Record record) {
    if (record.source == BlockSource::kRun) return give_run_at_hand(at, Units::within(record.size));
    put_range(books(), range_of(at, record));
}

size_t resize_in_place(void* at, Record record, size_t new_size) {
    if (record.source == BlockSource::kRun) return 0;
    Books& all = books();
    const Range range = range_of(at, record);
    fetch_nodes(all);
    if (new_size <= record.size) return shrink_in_place(all, range, new_size);
    return growth_deserves_huge(all, range, new_size) ? 0 : grow_in_place(all, range, new_size);
}

Block kept_to_grow_in(Record record, size_t new_size) {
    if (is_huge(record.tag) || new_size >= kHugeChunksBelow) return {};
    Books& all = books();
    fetch_nodes(all);
    Guard guard(all.lock);
    for (const size_t wanted : {round_to_pages(with_room(new_size)), round_to_pages(new_size)}) {
        const Taken taken = all.cache.take(wanted);
        if (taken.dirty) {
            all.count(taken.range.size);
            return mapping(taken.range, taken.dirty);
        }
        if (taken.range.size) all.cache.put(taken.range, true);
    }
    return {};
}

Block remap(void* at, Record record, size_t new_size) {
    if (record.source == BlockSource::kRun || new_size > kLargestBlock) return {};
    Books& all = books();
    const Range range = range_of(at, record);
    fetch_nodes(all);
    const bool huge = growth_deserves_huge(all, range, new_size);
    for (const size_t wanted : {with_room(new_size), new_size}) {
        const Range moved =
            remap_range(all, range, round_to_pages(wanted), huge ? HugeGrowth::kYes : HugeGrowth::kNo);
        if (moved.at) return mapping(moved, record.size);
    }
    return {};
}

Record prefer_huge_pages(void* at, Record record) {
    if (options.huge_pages == HugePageUse::kNever || is_huge(record.tag)) return record;
    const Range range = range_of(at, record);
    if (!want_huge(range)) return record;
    record.tag = new_tag(kHugeTag);
    Books& all = books();
    fetch_nodes(all);
    Guard guard(all.lock);
    all.mappings.removed(range);
    all.mappings.added({range.at, range.size, record.tag});
    return record;
}

size_t trim() {
    return give_back_all(books(), Pressed::kNo);
}

bool is_kept(const void* at) {
    Books& all = books();
    Guard guard(all.lock);
    return all.cache.contains(static_cast<const char*>(at));
}

Stats stats() {
    Books& all = books();
    ReportGuard guard(all.lock);
    return {all.live, all.cache.bytes() + bytes_at_hand()};
}

void after_fork_child(bool others) {
    books_after_fork_child(others);
    if (others) forget_runs_at_hand();
}

}  // namespace tarn::map
