// SPDX-License-Identifier: MIT
// Objects that nobody has had yet, and memory for them. A page gets its memory when somebody writes to it, by a page
// fault; or several at once, by one call, which is less work: on a virtual machine a fourth of it or less. How many follows
// what the class has already, so that what may never be needed is little beside it.
#include <algorithm>
#include <bit>

#include "base/expect.h"
#include "heap/heap.h"
#include "heap/sound.h"
#include "os/os.h"

namespace tarn {

namespace {

constexpr size_t kAheadOf = 16;                       // of so many bytes that a class has, one ahead
constexpr size_t kWholeMost = os::kPageSize * 5 / 4;  // bytes of an object; all pages will be written to
// Those of larger ones may not be. From so many bytes of a class on one slab in kLookEvery is left to page faults, the last
// but kLeftAlone, and the kernel is asked about it when it is full: one page in sixteen may be missing.
constexpr size_t kLookFrom = size_t{2} << 20;
constexpr uint8_t kLookEvery = 8, kLeftAlone = 2;
constexpr size_t kMissing = 16;

// Objects at the front of what is not carved that end before `end`, at least one.
uint32_t objects_before(size_t begin, size_t end, uint32_t size) {
    return end < begin + size ? 1 : static_cast<uint32_t>((end - begin) / size);
}

}  // namespace

// Large objects are written to in all their pages, as far as a slab shows that was left to page faults and became full.
bool Heap::fills_objects(SizeClass c) {
    if (until_look_[c] == 0) {
        // The objects of the last one that became full may still lie in a bin.
        const Slab* slab = classes_[c].list(SlabState::kFull);
        unsigned left = kLookEvery;
        do
            slab = slab ? slab->next : nullptr;
        while (slab && slab->at_a_time != 0 && --left > 0);
        const os::UnlistedCall may;
        if (!slab || slab->at_a_time != 0 || !may || os::is_sandboxed()) return false;
        const size_t bytes = slab->info().units.bytes();
        size_t found = 0;
        if (os::resident(slab->begin(), bytes, found) != os::Answer::kDone ||
            found < bytes - bytes / kMissing)
            return false;
        until_look_[c] = kLookEvery;
    }
    return --until_look_[c] != kLeftAlone;
}

// Bytes that a class may have ahead.
size_t Heap::ahead_of_need(const Slab& slab) {
    const SizeClass c = slab.size_class;
    const size_t size = slab.info().size, bytes = counters(c).touched * size;
    if (size > kWholeMost && (bytes < kLookFrom || !fills_objects(c))) return 0;
    return bytes / kAheadOf;
}

// A slab of which nobody had anything gets all its memory, and so do those of its class that follow it in memory and on
// its list.
bool Heap::back_whole(Slab& slab, size_t most) {
    const size_t bytes = slab.info().units.bytes();
    size_t count = 1;
    const Slab* last = &slab;
    for (const Slab* next;
         (count + 1) * bytes <= most && (next = last->next) && next->begin() == last->begin() + bytes &&
         next->carved() == 0 && next->at_a_time == 0;
         last = next)
        ++count;
    if (!prefault_pages(slab.begin(), count * bytes)) return false;
    Slab* each = &slab;
    for (size_t i = 0; i < count; ++i, each = each->next)
        each->at_a_time = Slab::kBacked;
    return true;
}

// How far the memory of the slab reaches now, counted from its begin, where objects are carved up to `begin`.
size_t Heap::back(Slab& slab, size_t begin) {
    const size_t end = slab.info().units.bytes();
    if (begin == 0) {
        const size_t ahead = ahead_of_need(slab);
        if (ahead >= end && back_whole(slab, ahead)) return end;
        if (ahead < end)
            slab.at_a_time = static_cast<uint8_t>((std::bit_width(ahead / os::kPageSize | 1) - 1) & 15);
    }
    if (slab.at_a_time > 0) {
        const size_t group = os::kPageSize << slab.at_a_time, least = begin + slab.info().size;
        const size_t backed = std::min(round_up(begin, group), end);
        if (least <= backed) return backed;
        const size_t next = std::min(backed + group, end);
        if (least <= next && prefault_pages(slab.begin() + backed, next - backed)) return next;
        slab.at_a_time = 0;
    }
    // No page is touched before its time.
    return round_up(begin + 1, os::kPageSize);
}

Batch Heap::carve(Slab& slab, Object** end, uint32_t room) {
    const SizeClassInfo& info = slab.info();
    const uint32_t carved = slab.carved();
    uint32_t batch = info.objects - carved;
    if (slab.at_a_time != Slab::kBacked) {
        const size_t begin = size_t{carved} * info.size;
        batch = std::min(batch, objects_before(begin, back(slab, begin), info.size));
    }
    if (batch > room) batch = room;
    Object* const first = slab.object(carved);
    char* object = reinterpret_cast<char*>(first);
    for (Object** slot = end - batch; slot < end; ++slot, object += info.size)
        *slot = reinterpret_cast<Object*>(object);
    untouched_[slab.size_class] -= slab.carved() == 0;
    slab.set_carved(carved + batch);
    slab.used = static_cast<uint16_t>(slab.used + batch);
    classes_[slab.size_class].used += batch;
    counters(slab.size_class).fresh += batch;
    counters(slab.size_class).touched += batch;
    expect(&slab, "nothing carved", [&] { return batch > 0; });
    expect_none(&slab, [&] { return fault_of_counts(slab); });
    return {batch, slab.zeroed, first};
}

}  // namespace tarn
