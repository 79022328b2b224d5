// SPDX-License-Identifier: MIT
#include "heap/holes.h"

#include <utility>

#include "base/expect.h"
#include "base/options.h"
#include "heap/sound.h"
#include "os/os.h"

namespace tarn {

namespace {

constexpr size_t kPage = os::kPageSize;
constexpr size_t kPagesPerUnit = kUnitSize / kPage;
constexpr size_t kUsedToPage = 2;  // with more used objects than that few pages are free, wherever these lie
constexpr size_t kPagesLeast = 2;  // side by side, to be worth a call
constexpr size_t kObjectsMost = 1024;            // in a slab; size_classes.h proves it
constexpr size_t kSweepLeast = size_t{8} << 20;  // bytes that came free

// The pages of one slab, numbered from its first on.
class Pages {
  public:
    explicit Pages(const Slab& slab) : bits_(page_bits_of(slab.begin())), size_(slab.info().size) {}

    bool away(size_t page) const { return bits_[page / kPagesPerUnit] >> (page % kPagesPerUnit) & 1; }
    void set(size_t page) { change(page, bits_[page / kPagesPerUnit] | bit(page)); }
    void clear(size_t page) { change(page, bits_[page / kPagesPerUnit] & ~bit(page)); }

    size_t first_of(size_t object) const { return object * size_ / kPage; }
    size_t last_of(size_t object) const { return (object * size_ + size_ - 1) / kPage; }
    bool object_away(size_t object) const {
        for (size_t page = first_of(object); page <= last_of(object); ++page)
            if (away(page)) return true;
        return false;
    }

  private:
    static unsigned bit(size_t page) { return 1u << page % kPagesPerUnit; }
    void change(size_t page, unsigned bits) { bits_[page / kPagesPerUnit] = static_cast<uint8_t>(bits); }
    uint8_t* bits_;
    size_t size_;
};

// The objects of a slab that were used and that nobody has.
class FreeObjects {
  public:
    FreeObjects(const Slab& slab, const Pages& pages) {
        for (const Object* object = slab.free; object; object = object->next)
            set(slab.index_of(object));
        if (slab.away == 0) return;
        for (size_t i = 0; i < slab.carved(); ++i)
            if (pages.object_away(i)) set(i);
    }
    bool has(size_t object) const { return bits_[object / 64] >> (object % 64) & 1; }

  private:
    void set(size_t object) {
        if (object < kObjectsMost) bits_[object / 64] |= uint64_t{1} << (object % 64);
    }
    uint64_t bits_[kObjectsMost / 64] = {};
};

// Every object that touches the page is free and has been used.
bool can_go(const Slab& slab, const Pages& pages, const FreeObjects& free, size_t page) {
    if (pages.away(page)) return false;
    const size_t size = slab.info().size;
    const size_t first = page * kPage / size;
    const size_t last = (page * kPage + kPage - 1) / size;
    // A page where carving is to go on would be touched with its bit set.
    if (first >= slab.carved() || (last >= slab.carved() && slab.carved() < slab.info().objects))
        return false;
    for (size_t i = first; i <= last && i < slab.info().objects; ++i)
        if (!free.has(i)) return false;
    return true;
}

// A refusal may come halfway, at the first locked page; each page alone goes or stays.
void discard(const Slab& slab, Pages& pages, size_t page, size_t end, Punch punch, Punched& punched) {
    const bool whole = os::discard(slab.begin() + page * kPage, (end - page) * kPage);
    ++punched.calls;
    punched.refused |= !whole;
    if (!whole && punch != Punch::kAsked) return;
    for (const bool alone = end - page > 1; page < end; ++page) {
        if (!whole && !(alone && os::discard(slab.begin() + page * kPage, kPage))) continue;
        pages.set(page);
        punched.bytes += kPage;
    }
}

// The list anew, lowest object first, without what is away.
void relink(Slab& slab, const Pages& pages, const FreeObjects& free) {
    slab.free = nullptr;
    size_t away = 0;
    for (size_t i = slab.carved(); i-- > 0;) {
        if (!free.has(i)) continue;
        if (pages.object_away(i)) {
            ++away;
            continue;
        }
        slab.object(i)->next = slab.free;
        slab.free = slab.object(i);
    }
    slab.away = static_cast<uint16_t>(away);
}

}  // namespace

Punched punch_holes(Slab& slab, Punch punch) {
    Punched punched;
    if (!slab.free || os::page_size() != kPage) return punched;
    const size_t count = slab.info().units.bytes() / kPage;
    if (punch != Punch::kAsked && slab.used > kUsedToPage * count) return punched;
    const auto state = static_cast<uint16_t>((slab.used + 1u) * kPunches + static_cast<unsigned>(punch));
    // Very likely nothing has changed since the last time, when no less was looked for.
    if (slab.punched / kPunches == state / kPunches && slab.punched >= state) return punched;
    slab.punched = state;
    Pages pages(slab);
    const FreeObjects free(slab, pages);
    const size_t least = punch == Punch::kGrown ? kPagesLeast : 1;
    for (size_t page = 0; page < count;) {
        size_t end = page;
        while (end < count && can_go(slab, pages, free, end))
            ++end;
        if (end >= page + least) discard(slab, pages, page, end, punch, punched);
        if (punched.refused && punch != Punch::kAsked) break;
        page = end + 1;
    }
    // Also when all was refused: the links on part of the pages may be gone even so.
    if (punched.calls > 0) relink(slab, pages, free);
    expect_none(&slab, [&] { return fault_of_objects(slab); });
    return punched;
}

bool may_punch() {
    return options.huge_pages != HugePageUse::kAlways && !os::is_sandboxed();
}

void fill_hole(Slab& slab) {
    if (slab.away == 0) return;
    Pages pages(slab);
    size_t object = 0;
    while (object < slab.carved() && !pages.object_away(object))
        ++object;
    const size_t first = pages.first_of(object), last = pages.last_of(object);
    // Whoever touches one of these pages may become whole; the others on them were so all along.
    const size_t from = first * kPage / slab.info().size;
    size_t to = (last * kPage + kPage - 1) / slab.info().size + 1;
    if (to > slab.carved()) to = slab.carved();
    uint64_t was_away[kObjectsMost / 64] = {};
    for (size_t i = from; i < to; ++i)
        was_away[i / 64] |= uint64_t{pages.object_away(i)} << (i % 64);
    for (size_t page = first; page <= last; ++page)
        pages.clear(page);
    for (size_t i = to; i-- > from;) {
        if (!(was_away[i / 64] >> (i % 64) & 1) || pages.object_away(i)) continue;
        slab.object(i)->next = slab.free;
        slab.free = slab.object(i);
        --slab.away;
    }
    expect(&slab, "a hole filled that gives nothing", [&] { return slab.free != nullptr; });
    expect_none(&slab, [&] { return fault_of_objects(slab); });
}

void forget_holes(Slab& slab) {
    if (slab.away > 0) clear_holes(slab);
}

bool holes_agree(const Slab& slab) {
    const Pages pages(slab);
    size_t away = 0;
    for (size_t i = 0; i < slab.carved(); ++i)
        away += pages.object_away(i);
    return away == slab.away;
}

void clear_holes(Slab& slab) {
    slab.away = 0;
    Pages pages(slab);
    const size_t count = slab.info().units.bytes() / kPage;
    for (size_t page = 0; page < count; ++page)
        pages.clear(page);
}

Punched Heap::punch(Slab& slab, Punch punch) {
    const size_t touched = slab.touched();
    const Punched punched = punch_holes(slab, punch);
    counters(slab.size_class).touched -= touched - slab.touched();
    return punched;
}

size_t Heap::punch_all() {
    size_t bytes = 0;
    for (ClassHeap& c : classes_)
        for (Slab* slab = c.list(SlabState::kPartial); slab; slab = slab->next)
            bytes += punch(*slab, Punch::kAsked).bytes;
    return bytes;
}

void Heap::begin_sweep() {
    sweep_left_ = kClasses;
    sweep_next_ = classes_[0].list(SlabState::kPartial);
}

// Goes on with what only those begin who may. What the kernel refuses once it will refuse again.
void Heap::sweep(Punch how, SweepBudget& budget) {
    for (; sweep_left_ > 0;
         sweep_next_ = --sweep_left_ ? classes_[kClasses - sweep_left_].list(SlabState::kPartial) : nullptr) {
        while (Slab* const slab = sweep_next_) {
            if (budget.slabs == 0 || budget.calls == 0) return;
            sweep_next_ = slab->next;
            const os::UnlistedCall may;
            const Punched punched = may ? punch(*slab, how) : Punched{.refused = true};
            --budget.slabs;
            budget.calls -= punched.calls < budget.calls ? punched.calls : budget.calls;
            if (!punched.refused) continue;
            sweep_left_ = 0;
            sweep_next_ = nullptr;
            return;
        }
    }
}

// A sum that hardly stays the same while objects come and go.
size_t Heap::use() const {
    size_t sum = made_;
    for (SizeClass c = 0; c < kClasses; ++c)
        sum += (c + 1) * used(c);
    return sum;
}

// A thread that works out of its bins alone looks idle, too; then a refill brings back what it needs.
void Heap::tidy_when_idle(SweepBudget& budget) {
    const size_t before = std::exchange(seen_, use());
    if (seen_ == before) tidy(budget);
}

void Heap::tidy(SweepBudget& budget) {
    seen_ = use();
    dissolve_empty();
    if (!may_punch()) return;
    if (swept_ != seen_) begin_sweep();
    swept_ = seen_;
    sweep(Punch::kIdle, budget);
}

void Heap::sweep_when_grown() {
    SweepBudget budget;
    if (sweep_left_ > 0) return sweep(Punch::kGrown, budget);
    size_t free = 0, used_bytes = 0;
    for (SizeClass c = 0; c < kClasses; ++c) {
        free += (room(c) - used(c)) * kSizeClasses[c].size;
        used_bytes += used(c) * kSizeClasses[c].size;
    }
    if (free < free_when_swept_) free_when_swept_ = free;
    if (free < used_bytes / 4 || free < free_when_swept_ + free_when_swept_ / 4 + kSweepLeast) return;
    free_when_swept_ = free;
    if (!may_punch()) return;
    begin_sweep();
    sweep(Punch::kGrown, budget);
}

}  // namespace tarn
