// SPDX-License-Identifier: MIT
#include "backend/map/books.h"

#include <atomic>
#include <new>

#include "os/os.h"

namespace tarn::map {

namespace {

constinit Books first;
constinit RangeNode first_nodes[32] = {};  // most processes need no more
constinit std::atomic<Books*> current{&first};

// A mapping as large as the machine's memory would be refused, once what was there is gone.
constexpr size_t kPiece = size_t{64} << 20;

// An empty range joins its neighbours; when the whole then ends where a mapping ends, it need not stay.
void keep_empty(Books& all, Range range) {
    RangeCache::Whole whole;
    {
        Guard guard(all.lock);
        all.mappings.removed(range);
        all.mappings.added({range.at, range.size, 0});
        whole = all.cache.put({range.at, range.size, 0}, true);
        if (!whole.range.size || !whole.empty || !all.mappings.costs_nothing(whole.range)) return;
        if (!all.cache.take_exactly(whole.range)) return;
    }
    drop_untouched(all, whole.range);
}

// Not now: the kernel changes nothing when it has no mapping left, but may have unmapped the range when it
// had no memory. Whether it stands is asked without changing it.
os::Answer empty(Range range) {
    for (size_t done = 0; done < range.size; done += kPiece) {
        const size_t size = std::min(range.size - done, kPiece);
        const os::Answer answer = os::map_anew(range.at + done, size);
        if (answer == os::Answer::kNotNow && !os::resize_in_place(range.at + done, size, size)) return answer;
        if (answer != os::Answer::kDone) return os::Answer::kNever;  // it stands as it was
    }
    return os::Answer::kDone;
}

// Unmapped, or emptied where that would cost a mapping too many. False: neither could be done.
bool give_back(Books& all, Range range, Pressed pressed) {
    if (unmap_range(all, range, pressed)) return true;
    const os::Answer answer = empty(range);
    if (answer == os::Answer::kDone) return keep_empty(all, range), true;
    if (answer == os::Answer::kNotNow) return false;  // it may be somebody else's by now
    Guard guard(all.lock);
    all.pause = kPause;
    all.cache.put(range);
    return false;
}

// Address space that was kept for want of mappings, a piece at a time, when there are plenty again.
void return_empty(Books& all) {
    Range range;
    {
        Guard guard(all.lock);
        if (all.cache.count() == 0 || !all.mappings.plenty() || all.unmap_refused) return;
        range = all.cache.evict_empty();
    }
    if (range.size) drop_untouched(all, range);
}

}  // namespace

Books& books() {
    return *current.load(std::memory_order_relaxed);
}

void fetch_nodes(Books& all) {
    if (all.mappings.wants_limit()) {
        const size_t most = os::mappings_most();
        Guard guard(all.lock);
        all.mappings.limit_is(most ? most : Mappings::kUsualLimit);
    }
    if (all.nodes.enough()) return;
    {
        Guard guard(all.lock);
        if (&all == &first && !all.first_nodes_used) {
            all.first_nodes_used = true;
            all.nodes.add(first_nodes, sizeof first_nodes);
            return;
        }
    }
    auto* const chunk = static_cast<char*>(os::map(RangeNodes::kChunk));
    if (!chunk) return;
    Guard guard(all.lock);
    all.nodes.add(chunk, RangeNodes::kChunk);
    all.mappings.added({chunk, RangeNodes::kChunk, 0});
}

// The books first: once it is unmapped, another thread may map the same place and enter that.
bool unmap_range(Books& all, Range range, Pressed pressed) {
    {
        Guard guard(all.lock);
        if (all.unmap_refused || !all.mappings.may_remove(range, pressed == Pressed::kYes)) return false;
        all.mappings.removed(range);
    }
    const os::Answer answer = os::unmap(range.at, range.size);
    if (answer == os::Answer::kDone) return true;
    Guard guard(all.lock);
    all.mappings.added(range);
    if (answer == os::Answer::kNever) all.unmap_refused = true;
    if (answer == os::Answer::kNotNow) all.mappings.exhausted();
    return false;
}

void drop_untouched(Books& all, Range range) {
    if (unmap_range(all, range, Pressed::kNo)) return;
    Guard guard(all.lock);
    all.cache.put(range, true);
}

void shrink_cache(Books& all) {
    for (;;) {
        Range range;
        {
            Guard guard(all.lock);
            if (all.pause > 0) return (void)--all.pause;
            range = all.cache.evict(all.limit());
            all.missed.returned(range.size);
        }
        if (!range.size) return return_empty(all);
        if (!give_back(all, range, Pressed::kNo)) return;
    }
}

size_t give_back_all(Books& all, Pressed pressed) {
    size_t bytes = 0;
    size_t tries = SIZE_MAX;
    {
        Guard guard(all.lock);
        all.mappings.try_again();
        all.pause = 0;
    }
    for (;; --tries) {
        Range range;
        size_t resident;
        {
            Guard guard(all.lock);
            tries = std::min(tries, all.cache.count());
            if (tries == 0) return bytes;
            resident = all.cache.bytes();
            range = all.cache.evict(0);
            resident -= all.cache.bytes();
        }
        if (!range.size) break;
        if (give_back(all, range, pressed)) bytes += resident;
    }
    for (;;) {
        Range range;
        {
            Guard guard(all.lock);
            range = all.cache.evict_empty();
        }
        if (!range.size) return bytes;
        if (unmap_range(all, range, pressed)) continue;
        Guard guard(all.lock);
        all.cache.put(range, true);
        return bytes;
    }
}

void books_after_fork_child(bool others) {
    Books& old = books();
    const bool held = old.lock.is_mine() || old.lock.recover();
    old.lock.reset();
    if (!held && !others) return;
    void* const place = os::map(sizeof(Books));
    const size_t live = old.live;
    Books* const fresh = new (place ? place : &old) Books;
    fresh->live = live;
    current.store(fresh, std::memory_order_relaxed);
}

}  // namespace tarn::map
