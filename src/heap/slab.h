// SPDX-License-Identifier: MIT
// Slab: a run cut into objects of one class. The record lives outside the run, one cache line.
//
// Objects of a slab, by index:
//     0 ............. carved ............. capacity
//     | on `free`, or on `remote`, or out  |  never touched: taken by bumping `carved`
//
//     carved = used + objects on `free` + away     (owner's view)
//     used   = objects in bins, with users, and on `remote`
//     away   = free objects that lie, in part at least, on pages without memory (holes.cpp)
//
// Who may touch what: `remote`, `next_mail` and `remote_tail` follow the protocol in remote.h, and so does
// `owner`; everything else belongs to who holds the owner's lock.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "heap/size_classes.h"
#include "pages/page_map.h"

namespace tarn {

// A free object. `mark` says so, and is of this very object, so that a second free is seen and bytes that
// were copied elsewhere say nothing; see Heap::mark.
struct Object {
    Object* next;
    uintptr_t mark;
};
static_assert(sizeof(Object) == kAlignment, "the smallest object holds both words");

// Objects whose lines another processor has come slowly, one after the other, when each is found by the one before it.
// So one that is freed for another heap names, in a third word, the one that comes kAhead later in its chain, to be
// prefetched. Nobody follows that word: it may say anything.
inline constexpr size_t kAhead = 4;
inline constexpr uint32_t kAheadLeast = 3 * sizeof(void*);  // bytes of an object that has the word
inline Object*& ahead_of(Object* object) {
    return reinterpret_cast<Object**>(object)[2];
}

using HeapId = uint32_t;
inline constexpr HeapId kNoHeap = 0;
inline constexpr HeapId kOrphanHeap = 1;

enum class SlabState : uint8_t {
    kNone,     // not a slab
    kPartial,  // on its heap's list of these: some objects are used, some can be taken
    kFull,     // likewise: none can be taken
    kEmpty,    // likewise: none is used
};
inline constexpr size_t kSlabLists = 3;

struct alignas(kRecordSize) Slab {
    Object* free;
    Slab* next;
    Slab* previous;
    std::atomic<uint64_t> remote;
    std::atomic<HeapId> owner;
    uint16_t away;
    uint16_t punched;  // (used + 1) * kPunches + how, when holes were last looked for
    Slab* next_mail;
    Object* remote_tail;
    std::atomic<uint16_t> carved_;  // only ever grows while objects are out, so any thread may read it
    uint16_t used;
    uint8_t size_class;
    SlabState state;
    bool zeroed : 1;  // what is not carved yet reads as zero
    bool cold : 1;    // another heap had it, and nothing was taken from its list since
    bool far : 1;     // objects on `free` may say which comes later: other threads have freed them
    uint8_t
        at_a_time : 4;  // its pages get memory 2^this at a time (carve.cpp); kBacked: as far as is known they have it
    uint8_t behind;  // position of its unit in the slab, in the record of each unit

    static constexpr unsigned kBacked = 15;

    const SizeClassInfo& info() const { return kSizeClasses[size_class]; }
    char* begin() const { return unit_of_record(this); }
    size_t first_unit() const { return unit_of(begin()); }
    uint16_t carved() const { return carved_.load(std::memory_order_relaxed); }
    void set_carved(size_t n) { carved_.store(static_cast<uint16_t>(n), std::memory_order_relaxed); }
    size_t free_count() const { return size_t{carved()} - used - away; }
    size_t touched() const { return size_t{carved()} - away; }
    bool exhausted() const { return free == nullptr && carved() == info().objects && away == 0; }
    // The list where it belongs.
    SlabState fitting_state() const {
        return used == 0 ? SlabState::kEmpty : exhausted() ? SlabState::kFull : SlabState::kPartial;
    }
    Object* object(size_t index) const { return reinterpret_cast<Object*>(begin() + index * info().size); }
    // capacity when p is no object's start
    size_t index_of(const void* p) const {
        return object_at(info(), static_cast<size_t>(static_cast<const char*>(p) - begin()));
    }
    bool is_object(const void* p) const { return index_of(p) < carved(); }
};
static_assert(sizeof(Slab) == kRecordSize);

// The slab that holds p, whose page map entry is known to be a slab's.
inline Slab* slab_of(const void* p) {
    Slab* any = static_cast<Slab*>(record_at(p));
    return any - any->behind;
}
// The same, of a slab of this class. NULL when no object that was ever handed out begins at p.
[[gnu::always_inline]] inline Slab* slab_of_object(const void* p, const SizeClassInfo& info) {
    Slab* const any = static_cast<Slab*>(record_at(p));
    const size_t behind = any->behind;
    Slab* const slab = any - behind;
    const size_t offset = reinterpret_cast<uintptr_t>(p) % kUnitSize + behind * kUnitSize;
    return object_at(info, offset) < slab->carved() ? slab : nullptr;
}
inline Slab* slab_of_object(const void* p) {
    return slab_of_object(p, slab_of(p)->info());
}

// The objects of a slab that were ever handed out, for who asks of many pointers.
class CarvedObjects {
  public:
    CarvedObjects(const Slab& slab, const SizeClassInfo& info)
        : begin_(reinterpret_cast<uintptr_t>(slab.begin())),
          bytes_(size_t{slab.carved()} * info.size),
          divisor_(divisor(info)) {}
    [[gnu::always_inline]] bool has(const Object* object) const {
        const size_t offset = reinterpret_cast<uintptr_t>(object) - begin_;
        return offset < bytes_ && offset * divisor_ < divisor_;
    }

  private:
    uintptr_t begin_;
    size_t bytes_;
    uint64_t divisor_;
};

// They may be in one slab of so many bytes, whichever lies first.
inline bool are_near(const void* one, const void* other, size_t bytes) {
    const uintptr_t a = reinterpret_cast<uintptr_t>(one), b = reinterpret_cast<uintptr_t>(other);
    return (a ^ b) < kUnitSize || (bytes > kUnitSize && a - b + bytes < 2 * bytes);
}

inline bool is_slab_entry(Entry entry) {
    return entry < 0 || entry == kOrphanEntry;
}

}  // namespace tarn
