// SPDX-License-Identifier: MIT
// Store: units of one kind, their free objects, and what is counted of them (mixed.h). There are two: one for those that
// have few objects, one for sampled objects.
#pragma once
#include "base/message.h"
#include "base/published.h"
#include "mixed/unit.h"
#include "os/lock.h"
#include "os/os.h"
#include "os/thread_pointer.h"
#include "pages/runs.h"

namespace tarn::mixed {

struct FreeObject {
    FreeObject* next;
    FreeObject* previous;
};

// In the record of the unit, which outlives it; see was_mixed.
inline void remember(void* begin) {
    Slab& record = *static_cast<Slab*>(record_at(begin));
    record.state = SlabState::kNone;
    record.behind = 0;
    record.size_class = kClasses;
}

// Threads share no cache line of what they are the first to have.
inline constexpr size_t kLine = 64 / kAlignment;

inline void require(bool holds, const void* about, const char* fault) {
    if (!holds) die(Fault::kInternal, about, fault);
}

template <SizeClass kCount, Entry kEntry>
class Store {
  public:
    Taken take(SizeClass c, Count count);
    // Where something of this kind begins at p.
    Found give(void* p, Count count);
    size_t trim();
    void check();
    void after_fork_child();
    bool is_mine() const { return lock_.is_mine(); }
    size_t units() {
        ReportGuard guard(lock_);
        return units_;
    }
    Counts counts(SizeClass c) {
        if (c >= kCount) return {};
        ReportGuard guard(lock_);
        return {counts_[c].taken, counts_[c].freed, counts_[c].fresh, objects_[c]};
    }
    uint64_t live_bytes() {
        ReportGuard guard(lock_);
        uint64_t bytes = 0;
        for (SizeClass c = 0; c < kCount; ++c)
            bytes += (counts_[c].taken - counts_[c].freed) * kSizeClasses[c].size;
        return bytes;
    }

  private:
    static constexpr bool kSampled = kEntry == kSampledEntry;
    static constexpr State kInUse = kSampled ? State::kSampled : State::kUsed;
    static constexpr uint8_t mark_of(SizeClass c) { return used_mark(c) | (kSampled ? kSampledBit : 0); }

    // This thread is in the middle of another call, or nobody knows what was left behind.
    bool shut() const { return lock_.is_mine() || closed_; }
    void link(SizeClass c, void* p);
    void unlink(SizeClass c, void* p);
    void unlink_all(Unit unit);
    bool make_unit();
    bool make_room(size_t granules);
    void* carve(SizeClass c);
    void* reuse(SizeClass c);
    void give_back(Unit unit);
    size_t discard_between(Unit unit, size_t from, size_t to);
    size_t discard_free(Unit unit);
    template <class Visit>
    void each_unit(Visit visit);

    Lock lock_{LockRank::kMixed};
    char* current_ = nullptr;  // the unit that is carved
    uintptr_t carver_ = 0;     // by whom last
    size_t units_ = 0;
    bool closed_ = false;  // for good: a signal handler over one of the calls here forked this process
    FreeObject* lists_[kCount] = {};
    uint32_t objects_[kCount] = {};  // there are, used or free
    struct {
        Published taken, freed, fresh;
    } counts_[kCount];
};

template <SizeClass kCount, Entry kEntry>
void Store<kCount, kEntry>::link(SizeClass c, void* p) {
    FreeObject* const object = static_cast<FreeObject*>(p);
    object->next = lists_[c];
    object->previous = nullptr;
    if (object->next) object->next->previous = object;
    lists_[c] = object;
}

template <SizeClass kCount, Entry kEntry>
void Store<kCount, kEntry>::unlink(SizeClass c, void* p) {
    FreeObject* const object = static_cast<FreeObject*>(p);
    (object->previous ? object->previous->next : lists_[c]) = object->next;
    if (object->next) object->next->previous = object->previous;
}

template <SizeClass kCount, Entry kEntry>
bool Store<kCount, kEntry>::make_unit() {
    const Run run = take_run(Units{1}, RunUse::kSlab);
    if (!run.at) return false;
    Unit unit(run.at);
    remember(unit.begin());
    unit.clear();
    unit.used() = 0;
    set_entries(unit_of(run.at), Units{1}, kEntry);
    current_ = unit.begin();
    ++units_;
    return true;
}

// Of a unit with no used objects.
template <SizeClass kCount, Entry kEntry>
void Store<kCount, kEntry>::unlink_all(Unit unit) {
    unit.each([&](size_t at, uint8_t mark) {
        unlink(class_of_mark(mark), unit.object(at));
        --objects_[class_of_mark(mark)];
    });
}

// The unit to carve has room for so much; begun anew, it has. It stays as it is while it can: its table finds those
// that free twice.
template <SizeClass kCount, Entry kEntry>
bool Store<kCount, kEntry>::make_room(size_t granules) {
    if (!current_) return make_unit();
    Unit unit(current_);
    if (unit.carved() + granules <= kGranules) return true;
    if (unit.used() > 0) return make_unit();
    unlink_all(unit);
    unit.clear();
    return true;
}

template <SizeClass kCount, Entry kEntry>
void* Store<kCount, kEntry>::carve(SizeClass c) {
    const bool another = carver_ != thread_pointer();
    if (!make_room(granules(c) + (another ? kLine - 1 : 0))) return nullptr;
    Unit unit(current_);
    if (another) {
        for (; unit.carved() % kLine; ++unit.carved())
            unit.set_mark(unit.carved(), kSkipped);
        carver_ = thread_pointer();
    }
    ++objects_[c];
    const size_t at = unit.carved();
    unit.set_mark(at, mark_of(c));
    unit.carved() = static_cast<uint16_t>(at + granules(c));
    ++unit.used();
    return unit.object(at);
}

template <SizeClass kCount, Entry kEntry>
void* Store<kCount, kEntry>::reuse(SizeClass c) {
    FreeObject* const object = lists_[c];
    if (!object) return nullptr;
    Unit unit(object);
    unlink(c, object);
    unit.set_mark(unit.at(object), mark_of(c));
    ++unit.used();
    return object;
}

// None of its objects is used. With the lock held, so that a child that a signal handler forks meanwhile sees it on its way.
template <SizeClass kCount, Entry kEntry>
void Store<kCount, kEntry>::give_back(Unit unit) {
    unlink_all(unit);
    --units_;
    if (unit.begin() == current_) current_ = nullptr;
    give_run(unit.begin(), Units{1});
}

template <SizeClass kCount, Entry kEntry>
Taken Store<kCount, kEntry>::take(SizeClass c, Count count) {
    if (c >= kCount || shut()) return {};
    Guard guard(lock_);
    void* const freed = reuse(c);
    void* const object = freed ? freed : carve(c);
    if (object && count == Count::kHere) {
        counts_[c].taken += 1;
        counts_[c].fresh += !freed;
    }
    return {static_cast<Object*>(object), !freed};
}

template <SizeClass kCount, Entry kEntry>
Found Store<kCount, kEntry>::give(void* p, Count count) {
    if (shut()) return look_up(p);
    Guard guard(lock_);
    const Found found = look_up(p);
    if (found.state != kInUse) return found;
    if (count == Count::kHere) counts_[found.size_class].freed += 1;
    Unit unit(p);
    link(found.size_class, p);
    unit.set_mark(unit.at(p), used_mark(found.size_class) | kFreeBit);
    if (--unit.used() == 0 && unit.begin() != current_) give_back(unit);
    return found;
}

template <SizeClass kCount, Entry kEntry>
template <class Visit>
void Store<kCount, kEntry>::each_unit(Visit visit) {
    for (size_t window = 0; window < window_count(); ++window) {
        const UnitRange range = window_units(window);
        for (size_t unit = range.first; unit < range.end; ++unit)
            if (entry_of(unit) == kEntry) visit(Unit(unit_address(unit)));
    }
}

// Whole pages among the free objects from `from` to `to` go back. The objects on them are none any more, until the
// unit is empty.
template <SizeClass kCount, Entry kEntry>
size_t Store<kCount, kEntry>::discard_between(Unit unit, size_t from, size_t to) {
    constexpr size_t kPage = os::kPageSize / kAlignment;  // in the table's count
    const size_t first = (from + kPage - 1) / kPage * kPage, end = to / kPage * kPage;
    if (end <= first) return 0;
    bool any = false;  // else they went before
    for (size_t at = from, next; at < to; at = next) {
        const uint8_t mark = unit.mark(at);
        next = at + length(mark);
        if (mark == kSkipped || next <= first || at >= end) continue;
        any = true;
        unlink(class_of_mark(mark), unit.object(at));
        --objects_[class_of_mark(mark)];
        for (size_t i = at; i < next; ++i)
            unit.set_mark(i, kSkipped);
    }
    const size_t bytes = (end - first) * kAlignment;
    return any && os::discard(unit.object(first), bytes) ? bytes : 0;
}

template <SizeClass kCount, Entry kEntry>
size_t Store<kCount, kEntry>::discard_free(Unit unit) {
    size_t bytes = 0, from = kFirst;
    const size_t end = unit.each([&](size_t at, uint8_t mark) {
        if (mark & kFreeBit) return;
        bytes += discard_between(unit, from, at);
        from = at + granules(class_of_mark(mark));
    });
    return bytes + discard_between(unit, from, end);
}

template <SizeClass kCount, Entry kEntry>
size_t Store<kCount, kEntry>::trim() {
    if (shut()) return 0;
    Guard guard(lock_);
    size_t bytes = 0;
    if (current_ && Unit(current_).used() == 0) {
        give_back(Unit(current_));
        bytes = kUnitSize;
    }
    if (os::page_size() == os::kPageSize) each_unit([&](Unit unit) { bytes += discard_free(unit); });
    return bytes;
}

template <SizeClass kCount, Entry kEntry>
void Store<kCount, kEntry>::check() {
    if (shut()) return;
    Guard guard(lock_);
    size_t units = 0, free = 0, listed = 0;
    uint32_t objects[kCount] = {};
    each_unit([&](const Unit& unit) {
        size_t used = 0;
        const size_t end = unit.each([&](size_t, uint8_t mark) {
            require(class_of_mark(mark) < kCount, unit.begin(), "a mixed slab with an object of no class");
            ++(mark & kFreeBit ? free : used);
            ++objects[class_of_mark(mark)];
        });
        require(end == unit.carved() && end <= kGranules, unit.begin(), "a mixed slab that ends elsewhere");
        require(used == unit.used(), unit.begin(), "a mixed slab with another number of used objects");
        require(used > 0 || unit.begin() == current_, unit.begin(), "an empty mixed slab");
        ++units;
    });
    require(units == units_, this, "mixed slabs are not what is counted");
    for (SizeClass c = 0; c < kCount; ++c) {
        require(objects_[c] == objects[c], this, "another number of objects in mixed slabs");
        const FreeObject* previous = nullptr;
        for (const FreeObject* object = lists_[c]; object; previous = object, object = object->next) {
            const Found found = has(object) ? look_up(object) : Found{State::kNothing, 0};
            require(found.state == State::kFree && found.size_class == c, object,
                    "a list of mixed slabs' that leads elsewhere");
            require(object->previous == previous, object, "a list of mixed slabs' with a wrong link");
            require(++listed <= free, object, "a list of mixed slabs' that is too long");
        }
    }
    require(listed == free, this, "a free object of mixed slabs' on no list");
}

template <SizeClass kCount, Entry kEntry>
void Store<kCount, kEntry>::after_fork_child() {
    closed_ |= lock_.is_mine();
    if (!lock_.recover() || closed_) return;
    current_ = nullptr;
    units_ = 0;
    for (SizeClass c = 0; c < kCount; ++c) {
        lists_[c] = nullptr;
        objects_[c] = 0;
    }
    each_unit([this](Unit unit) {
        size_t used = 0;
        const size_t end = unit.each([&](size_t, uint8_t mark) { used += !(mark & kFreeBit); });
        if (used == 0) return give_run(unit.begin(), Units{1});
        unit.clear(end);
        unit.used() = static_cast<uint16_t>(used);
        unit.each([&](size_t at, uint8_t mark) {
            if (mark & kFreeBit) link(class_of_mark(mark), unit.object(at));
            ++objects_[class_of_mark(mark)];
        });
        current_ = unit.begin();
        ++units_;
    });
}

}  // namespace tarn::mixed
