// SPDX-License-Identifier: MIT
// Linear search throughout: 64 entries take less time than the page faults of the smallest of them.
#include "backend/range_cache.h"

#include "backend/huge_pages.h"

namespace tarn {

void RangeCache::remove(int index) {
    bytes_ -= entries_[index].range.size;
    entries_[index] = entries_[--count_];
}

// The front of a range leaves; a rest too small to keep must not arise.
void RangeCache::cut_front(int index, size_t size) {
    Range& range = entries_[index].range;
    range.at += size;
    range.size -= size;
    bytes_ -= size;
}

int RangeCache::oldest() const {
    int found = 0;
    for (int i = 1; i < count_; ++i)
        if (now_ - entries_[i].stamp > now_ - entries_[found].stamp) found = i;
    return found;
}

// At least `size` bytes from the front of a range; huge pages are not cut in two, since the kernel keeps such
// a one until nothing of it is mapped.
size_t RangeCache::rounded_cut(Range range, size_t size) {
    if (!is_huge(range.tag)) return (size + kSmallestRange - 1) / kSmallestRange * kSmallestRange;
    const auto at = reinterpret_cast<uintptr_t>(range.at);
    return (at + size + kHugePage - 1) / kHugePage * kHugePage - at;
}

Range RangeCache::take(size_t size) {
    ++now_;
    int best = -1;
    for (int i = 0; i < count_; ++i) {
        const size_t length = entries_[i].range.size;
        if (length >= size && (best < 0 || length < entries_[best].range.size)) best = i;
    }
    if (best < 0) return {};
    Range taken = entries_[best].range;
    if (taken.size - size < kSmallestRange + size / kWasteShare) return remove(best), taken;
    cut_front(best, size);
    return {taken.at, size, taken.tag};
}

Range RangeCache::take_longest() {
    if (count_ == 0) return {};
    int longest = 0;
    for (int i = 1; i < count_; ++i)
        if (entries_[i].range.size > entries_[longest].range.size) longest = i;
    const Range taken = entries_[longest].range;
    remove(longest);
    return taken;
}

bool RangeCache::take_exactly(Range wanted) {
    for (int i = 0; i < count_; ++i) {
        const Range range = entries_[i].range;
        if (range.at != wanted.at || range.tag != wanted.tag) continue;
        if (range.size == wanted.size) return remove(i), true;
        if (range.size < wanted.size + kSmallestRange) return false;
        return cut_front(i, wanted.size), true;
    }
    return false;
}

bool RangeCache::contains(const char* at) const {
    for (int i = 0; i < count_; ++i)
        if (at >= entries_[i].range.at && at < entries_[i].range.at + entries_[i].range.size) return true;
    return false;
}

void RangeCache::put(Range range, Evicted& evicted) {
    ++now_;
    for (int i = count_ - 1; i >= 0; --i) {
        const Range other = entries_[i].range;
        if (other.tag != range.tag) continue;
        if (other.at + other.size == range.at)
            range.at = other.at;
        else if (range.at + range.size != other.at)
            continue;
        range.size += other.size;
        remove(i);
    }
    if (range.size < kSmallestRange) return evicted.add(range);
    if (count_ == kRangesMost) {
        const int victim = oldest();
        evicted.add(entries_[victim].range);
        remove(victim);
    }
    entries_[count_++] = {range, now_};
    bytes_ += range.size;
}

void RangeCache::shrink_to(size_t limit, Evicted& evicted) {
    while (count_ > 0 && !evicted.full()) {
        const int victim = oldest();
        const bool over = bytes_ > limit;
        if (!over && !old(entries_[victim])) return;
        const Range range = entries_[victim].range;
        const size_t excess = over ? rounded_cut(range, bytes_ - limit) : 0;
        if (over && !old(entries_[victim]) && range.size > excess && range.size - excess >= kSmallestRange) {
            cut_front(victim, excess);
            evicted.add({range.at, excess, range.tag});
        } else {
            evicted.add(range);
            remove(victim);
        }
    }
}

}  // namespace tarn
