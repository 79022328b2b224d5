// SPDX-License-Identifier: MIT
#include "mixed/mixed.h"

#include "base/at_start.h"
#include "base/message.h"
#include "base/published.h"
#include "mixed/unit.h"
#include "os/lock.h"
#include "os/os.h"
#include "os/thread_pointer.h"
#include "pages/runs.h"

namespace tarn::mixed {

namespace {

struct FreeObject {
    FreeObject* next;
    FreeObject* previous;
};

struct Mixed {
    Lock lock{LockRank::kMixed};
    char* current = nullptr;  // the unit that is carved
    uintptr_t carver = 0;     // by whom last
    size_t units = 0;
    bool closed = false;  // for good: a signal handler over one of the calls here forked this process
    FreeObject* lists[kMixedClasses] = {};
    uint32_t objects[kMixedClasses] = {};  // there are, used or free
    struct {
        Published taken, freed, fresh;
    } counts[kMixedClasses];
};
TARN_WRITTEN_AT_START constinit Mixed mixed;

void link(SizeClass c, void* p) {
    FreeObject* const object = static_cast<FreeObject*>(p);
    object->next = mixed.lists[c];
    object->previous = nullptr;
    if (object->next) object->next->previous = object;
    mixed.lists[c] = object;
}

void unlink(SizeClass c, void* p) {
    FreeObject* const object = static_cast<FreeObject*>(p);
    (object->previous ? object->previous->next : mixed.lists[c]) = object->next;
    if (object->next) object->next->previous = object->previous;
}

// In the record of the unit, which outlives it; see was_mixed.
void remember(void* begin) {
    Slab& record = *static_cast<Slab*>(record_at(begin));
    record.state = SlabState::kNone;
    record.behind = 0;
    record.size_class = kClasses;
}

bool make_unit() {
    const Run run = take_run(Units{1}, RunUse::kSlab);
    if (!run.at) return false;
    Unit unit(run.at);
    remember(unit.begin());
    unit.clear();
    unit.used() = 0;
    set_entries(unit_of(run.at), Units{1}, kMixedEntry);
    mixed.current = unit.begin();
    ++mixed.units;
    return true;
}

// Of a unit with no used objects.
void unlink_all(Unit unit) {
    unit.each([&](size_t at, uint8_t mark) {
        unlink(class_of_mark(mark), unit.object(at));
        --mixed.objects[class_of_mark(mark)];
    });
}

// The unit to carve has room for so much; begun anew, it has. It stays as it is while it can: its table finds those
// that free twice.
bool make_room(size_t granules) {
    if (!mixed.current) return make_unit();
    Unit unit(mixed.current);
    if (unit.carved() + granules <= kGranules) return true;
    if (unit.used() > 0) return make_unit();
    unlink_all(unit);
    unit.clear();
    return true;
}

// Threads share no cache line of what they are the first to have.
constexpr size_t kLine = 64 / kAlignment;

void* carve(SizeClass c) {
    const bool another = mixed.carver != thread_pointer();
    if (!make_room(granules(c) + (another ? kLine - 1 : 0))) return nullptr;
    Unit unit(mixed.current);
    if (another) {
        for (; unit.carved() % kLine; ++unit.carved())
            unit.set_mark(unit.carved(), kSkipped);
        mixed.carver = thread_pointer();
    }
    ++mixed.objects[c];
    const size_t at = unit.carved();
    unit.set_mark(at, used_mark(c));
    unit.carved() = static_cast<uint16_t>(at + granules(c));
    ++unit.used();
    return unit.object(at);
}

void* reuse(SizeClass c) {
    FreeObject* const object = mixed.lists[c];
    if (!object) return nullptr;
    Unit unit(object);
    unlink(c, object);
    unit.set_mark(unit.at(object), used_mark(c));
    ++unit.used();
    return object;
}

// None of its objects is used. With the lock held, so that a child that a signal handler forks meanwhile sees it on its way.
void give_back(Unit unit) {
    unlink_all(unit);
    --mixed.units;
    if (unit.begin() == mixed.current) mixed.current = nullptr;
    give_run(unit.begin(), Units{1});
}

}  // namespace

namespace {

// This thread is in the middle of another call, or nobody knows what was left behind.
bool shut() {
    return mixed.lock.is_mine() || mixed.closed;
}

}  // namespace

Taken take(SizeClass c, Count count) {
    if (c >= kMixedClasses || shut()) return {};
    Guard guard(mixed.lock);
    void* const freed = reuse(c);
    void* const object = freed ? freed : carve(c);
    if (object && count == Count::kHere) {
        mixed.counts[c].taken += 1;
        mixed.counts[c].fresh += !freed;
    }
    return {static_cast<Object*>(object), !freed};
}

Found look_up(const void* p) {
    const Unit unit(p);
    size_t at = unit.at(p);
    if (at < kFirst) return {State::kNothing, 0};
    const bool begins = reinterpret_cast<uintptr_t>(p) % kAlignment == 0;
    if (unit.mark(at) == kSkipped) return {State::kNothing, 0};
    if (const uint8_t mark = unit.mark(at); mark && begins)
        return {mark & kFreeBit ? State::kFree : State::kUsed, class_of_mark(mark)};
    const size_t asked = at;
    while (at > kFirst && unit.mark(at) == 0)
        --at;
    const uint8_t mark = unit.mark(at);
    if (mark == 0 || mark == kSkipped || asked >= at + granules(class_of_mark(mark)))
        return {State::kNothing, 0};
    return {State::kInside, class_of_mark(mark)};
}

Found give(void* p, Count count) {
    if (shut()) return look_up(p);
    Guard guard(mixed.lock);
    const Found found = look_up(p);
    if (found.state != State::kUsed) return found;
    if (count == Count::kHere) mixed.counts[found.size_class].freed += 1;
    Unit unit(p);
    link(found.size_class, p);
    unit.set_mark(unit.at(p), used_mark(found.size_class) | kFreeBit);
    if (--unit.used() == 0 && unit.begin() != mixed.current) give_back(unit);
    return found;
}

namespace {

template <class Visit>
void each_unit(Visit visit) {
    for (size_t window = 0; window < window_count(); ++window) {
        const UnitRange range = window_units(window);
        for (size_t unit = range.first; unit < range.end; ++unit)
            if (entry_of(unit) == kMixedEntry) visit(Unit(unit_address(unit)));
    }
}

// Whole pages among the free objects from `from` to `to` go back. The objects on them are none any more, until the
// unit is empty.
size_t discard_between(Unit unit, size_t from, size_t to) {
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
        --mixed.objects[class_of_mark(mark)];
        for (size_t i = at; i < next; ++i)
            unit.set_mark(i, kSkipped);
    }
    const size_t bytes = (end - first) * kAlignment;
    return any && os::discard(unit.object(first), bytes) ? bytes : 0;
}

size_t discard_free(Unit unit) {
    size_t bytes = 0, from = kFirst;
    const size_t end = unit.each([&](size_t at, uint8_t mark) {
        if (mark & kFreeBit) return;
        bytes += discard_between(unit, from, at);
        from = at + granules(class_of_mark(mark));
    });
    return bytes + discard_between(unit, from, end);
}

}  // namespace

size_t trim() {
    if (shut()) return 0;
    Guard guard(mixed.lock);
    size_t bytes = 0;
    if (mixed.current && Unit(mixed.current).used() == 0) {
        give_back(Unit(mixed.current));
        bytes = kUnitSize;
    }
    if (os::page_size() == os::kPageSize) each_unit([&](Unit unit) { bytes += discard_free(unit); });
    return bytes;
}

bool was_mixed(const void* p) {
    const Slab& record = *static_cast<Slab*>(record_at(p));
    return record.state == SlabState::kNone && record.behind == 0 && record.size_class == kClasses &&
           reinterpret_cast<uintptr_t>(p) % kAlignment == 0 && Unit(p).at(p) >= kFirst;
}

Counts counts(SizeClass c) {
    if (c >= kMixedClasses) return {};
    ReportGuard guard(mixed.lock);
    return {mixed.counts[c].taken, mixed.counts[c].freed, mixed.counts[c].fresh, mixed.objects[c]};
}

size_t units() {
    ReportGuard guard(mixed.lock);
    return mixed.units;
}

bool is_mine() {
    return mixed.lock.is_mine();
}

namespace {

void require(bool holds, const void* about, const char* fault) {
    if (!holds) die(Fault::kInternal, about, fault);
}

}  // namespace

void check() {
    if (shut()) return;
    Guard guard(mixed.lock);
    size_t units = 0, free = 0, listed = 0;
    uint32_t objects[kMixedClasses] = {};
    each_unit([&](const Unit& unit) {
        size_t used = 0;
        const size_t end = unit.each([&](size_t, uint8_t mark) {
            require(class_of_mark(mark) < kMixedClasses, unit.begin(),
                    "a mixed slab with an object of no class");
            ++(mark & kFreeBit ? free : used);
            ++objects[class_of_mark(mark)];
        });
        require(end == unit.carved() && end <= kGranules, unit.begin(), "a mixed slab that ends elsewhere");
        require(used == unit.used(), unit.begin(), "a mixed slab with another number of used objects");
        require(used > 0 || unit.begin() == mixed.current, unit.begin(), "an empty mixed slab");
        ++units;
    });
    require(units == mixed.units, &mixed, "mixed slabs are not what is counted");
    for (SizeClass c = 0; c < kMixedClasses; ++c) {
        require(mixed.objects[c] == objects[c], &mixed, "another number of objects in mixed slabs");
        const FreeObject* previous = nullptr;
        for (const FreeObject* object = mixed.lists[c]; object; previous = object, object = object->next) {
            const Found found = has(object) ? look_up(object) : Found{State::kNothing, 0};
            require(found.state == State::kFree && found.size_class == c, object,
                    "a list of mixed slabs' that leads elsewhere");
            require(object->previous == previous, object, "a list of mixed slabs' with a wrong link");
            require(++listed <= free, object, "a list of mixed slabs' that is too long");
        }
    }
    require(listed == free, &mixed, "a free object of mixed slabs' on no list");
}

void after_fork_child() {
    mixed.closed |= mixed.lock.is_mine();
    if (!mixed.lock.recover() || mixed.closed) return;
    mixed.current = nullptr;
    mixed.units = 0;
    for (SizeClass c = 0; c < kMixedClasses; ++c) {
        mixed.lists[c] = nullptr;
        mixed.objects[c] = 0;
    }
    each_unit([](Unit unit) {
        size_t used = 0;
        const size_t end = unit.each([&](size_t, uint8_t mark) { used += !(mark & kFreeBit); });
        if (used == 0) return give_run(unit.begin(), Units{1});
        unit.clear(end);
        unit.used() = static_cast<uint16_t>(used);
        unit.each([&](size_t at, uint8_t mark) {
            if (mark & kFreeBit) link(class_of_mark(mark), unit.object(at));
            ++mixed.objects[class_of_mark(mark)];
        });
        mixed.current = unit.begin();
        ++mixed.units;
    });
}

}  // namespace tarn::mixed
