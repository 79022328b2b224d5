// SPDX-License-Identifier: MIT
#include "backend/map/density.h"

#include <algorithm>
#include <utility>

#include "backend/map/advice.h"
#include "base/options.h"
#include "os/os.h"

namespace tarn::map {

namespace {

// Of a block, when its density is asked for: what was written last, but for the room to spare at the end.
constexpr size_t kLookMost = kHugePage;
constexpr size_t kLookBefore = kGrowthSmall + 1;  // so much from the end

bool huge_allowed() {
    return options.huge_pages == HugePageUse::kDenseBlocks && os::page_size() == os::kPageSize;
}

struct Density {
    size_t seen, resident;
};
Density density(Range range) {
    const size_t written = round_to_pages(range.size - range.size / kLookBefore);
    const size_t seen = std::min(written, kLookMost);
    return {seen, resident_bytes({range.at + written - seen, seen})};
}

}  // namespace

// Huge pages say nothing: they are resident whole.
void learn_density(Books& all, Range range) {
    if (!huge_allowed() || is_huge(range.tag)) return;
    size_t taken;
    {
        Guard guard(all.lock);
        taken = all.taken;
        if (!all.huge.curious(all.in_blocks())) return;
    }
    if (!worth_asking(taken)) return;
    const Density found = density(range);
    Guard guard(all.lock);
    all.huge.learn(found.seen, found.resident);
}

// If it is not written, that says nothing yet. Should it be gone, mincore fails.
void learn_from_latest(Books& all, size_t size) {
    if (!huge_allowed()) return;
    Range latest;
    size_t taken;
    {
        Guard guard(all.lock);
        taken = all.taken;
        if (!all.huge.clueless(all.in_blocks() + size)) return;
        latest = std::exchange(all.latest, {});
    }
    if (latest.size == 0 || !worth_asking(taken)) return;
    const Density found = density(latest);
    if (found.seen == 0 || !HugePages::dense(found.seen, found.resident)) return;
    Guard guard(all.lock);
    all.huge.learn(found.seen, found.resident);
}

bool growth_deserves_huge(Books& all, Range range, size_t size) {
    if (!huge_allowed() || is_huge(range.tag) || size < kHugeChunksBelow) return false;
    size_t taken;
    {
        Guard guard(all.lock);
        taken = all.taken;
        if (all.mappings.scarce() || all.in_blocks() + size - range.size < HugePages::kFrom) return false;
    }
    if (!worth_asking(taken)) return false;
    const Density found = density(range);
    return HugePages::dense(found.seen, found.resident);
}

bool huge_wanted(Books& all, size_t size, size_t more) {
    if (!huge_allowed()) return false;
    Guard guard(all.lock);
    return !all.mappings.scarce() && all.huge.wanted(all.in_blocks() + more, size);
}

}  // namespace tarn::map
