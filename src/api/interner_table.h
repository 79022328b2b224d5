// SPDX-License-Identifier: MIT
// A table of interned strings: its layout, and the look-up.
//
//   table -> views[shard] -> slots -> string
//
// A string belongs to the shard that the low bits of its hash name. A shard has an array of slots, open
// addressing with linear probing from the high bits of the 32-bit hash on; a slot is 0 or the string's
// address, with 16 further bits of the hash above it. A view is the address of the slots with 32 - log2 of
// their number in its low six bits, so that readers get both by one load.
//
// Ordinary table. Invariants:
//   - a string is whole before its slot is written (release), and neither ever changes again;
//   - an array that was replaced stays as it was, and is freed with the table (all of them together are
//   smaller
//     than the current one); what is in it is in its successor, which was whole before its view was written;
//   - an array has an empty slot at any time.
// So readers take no lock and no step back: one that finds nothing was right at the moment it loaded the
// view, or looks again under the lock. Writers hold the shard's lock. Their order of steps is such that the
// child of a fork can go on from between any two (recover_shard).
//
// Counted table. Invariants:
//   - slots are read and written under the shard's lock only;
//   - a string in a slot has at least one reference; the step from 1 to 0 is made under the lock, and the
//     string leaves its slot before the lock is released.
// So who finds a string under the lock may take a reference, and who has one may add and give back others
// without the lock. Strings come from malloc one by one.
//
// No lock is held over a call of allocate or release: what is needed is brought along (insert), since a
// large block may come from the backend, and loading one runs the program's code.
#pragma once
#include "api/interner_counters.h"
#include "api/interner_hash.h"
#include "api/interner_lock.h"
#include "tarn/interner.h"

namespace tarn {

using Slot = std::atomic<uint64_t>;

inline constexpr unsigned kAddressBits = 48;
inline constexpr uint64_t kAddressMask = (uint64_t{1} << kAddressBits) - 1;
inline constexpr uintptr_t kShiftMask = 63;
inline constexpr unsigned kLog2First = 3, kLog2Most = 31;
inline constexpr size_t kLengthMost = (size_t{1} << TARN_INTERNED_KEYWORD_BIT) - 65;
inline constexpr uint32_t kStays = UINT32_MAX;  // references of a string that is never dropped
inline constexpr int64_t kNoKeyword = -1;

// Text with its hash.
struct Key {
    const char* text;
    size_t length;
    uint64_t hash;
};

struct Array {  // made by new_array; `previous`: the one that it replaced, ordinary tables only
    Array* previous;
    uintptr_t view;
};

struct alignas(16) Chunk {  // strings of an ordinary table follow
    Chunk* next;
};

struct alignas(64) Shard {
    OwnedLock lock;  // protects what follows, and the writing of the shard's view and slots
    size_t count = 0;
    Array* arrays = nullptr;   // the current one first; NULL: the view is that of the empty array
    Chunk* chunks = nullptr;   // all
    size_t chunk_bytes = 0;    // of all
    char* room = nullptr;      // where the next string goes
    char* room_end = nullptr;  // room <= room_end
};

}  // namespace tarn

struct alignas(64) tarn_interner {
    tarn::HashKeys keys;
    uint32_t shard_mask;
    bool counted;
    bool of_process;
    uint32_t keyword_count;
    const tarn_interned** keywords;  // by number
    tarn_interner* next;             // in the list of all tables
    // Read by every look-up, written by growth and by a thread's first request.
    alignas(64) std::atomic<uintptr_t> views[TARN_INTERNER_SHARDS_MOST];
    std::atomic<tarn::RequestCounters*> counters[tarn::kCounterSlots];
    tarn::RequestCounters shared_counters;

    tarn::Shard* shards() { return reinterpret_cast<tarn::Shard*>(this + 1); }
    uint32_t shard_count() const { return shard_mask + 1; }
};

namespace tarn {

using Interned = tarn_interned;

inline Slot* slots_of(uintptr_t view) {
    return reinterpret_cast<Slot*>(view & ~kShiftMask);
}
inline unsigned shift_of(uintptr_t view) {
    return static_cast<unsigned>(view & kShiftMask);
}
inline unsigned log2_of(uintptr_t view) {
    return 32 - shift_of(view);
}
inline size_t capacity_of(uintptr_t view) {
    return size_t{1} << log2_of(view);
}
// Where the search for a hash begins.
[[gnu::always_inline]] inline size_t home_of(uintptr_t view, uint32_t hash) {
    return hash >> shift_of(view);
}
[[gnu::always_inline]] inline Interned* string_in(uint64_t slot) {
    return reinterpret_cast<Interned*>(slot & kAddressMask);
}
inline const char* text_of(const Interned* string) {
    return reinterpret_cast<const char*>(string + 1);
}
inline uint64_t slot_for(const Interned* string, uint64_t hash) {
    return reinterpret_cast<uintptr_t>(string) | hash >> kAddressBits << kAddressBits;
}

[[gnu::always_inline]] inline bool is_string(const Interned* string, const Key& key) {
    static_assert(offsetof(Interned, hash_bits) == 0 && sizeof(Interned) == 8);
    const uint64_t wanted = static_cast<uint32_t>(key.hash) | uint64_t{key.length} << 32;
    // Shifted by one: a keyword or not, both are it.
    return (load8(reinterpret_cast<const char*>(string)) ^ wanted) << 1 == 0 &&
           same_text(text_of(string), key.text, key.length);
}

[[gnu::always_inline]] inline Interned* look_up(uintptr_t view, const Key& key) {
    const Slot* const slots = slots_of(view);
    const size_t mask = capacity_of(view) - 1;
    const uint64_t tag = key.hash >> kAddressBits;
    for (size_t at = home_of(view, static_cast<uint32_t>(key.hash));; at = (at + 1) & mask) {
        const uint64_t slot = slots[at].load(std::memory_order_acquire);
        if (slot >> kAddressBits == tag && slot != 0 && is_string(string_in(slot), key)) [[likely]]
            return string_in(slot);
        if (slot == 0) return nullptr;
    }
}

[[gnu::always_inline]] inline uint32_t shard_of(const tarn_interner& table, uint64_t hash) {
    return static_cast<uint32_t>(hash) & table.shard_mask;
}

// Counted tables: before the string.
inline std::atomic<uint32_t>& references(const Interned* string) {
    return reinterpret_cast<std::atomic<uint32_t>*>(const_cast<Interned*>(string))[-2];
}
// By somebody who has a reference, or under the lock.
inline void add_reference(const Interned* string) {
    uint32_t held = references(string).load(std::memory_order_relaxed);
    while (held != kStays && !references(string).compare_exchange_weak(
                                 held, held + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
    }
}

// interner_insert.cpp

// The view of a shard without an array: eight empty slots that are never written.
uintptr_t empty_view();
// The string, inserted if need be; in a counted table with a reference. NULL and ENOMEM.
[[gnu::noinline]] const Interned* insert(tarn_interner& table, const Key& key, int64_t keyword = kNoKeyword);
// An array of its own for each shard, with room for `strings` together. False and ENOMEM.
bool reserve_room(tarn_interner& table, size_t strings);
// Empty; NULL and ENOMEM.
Array* new_array(unsigned log2);
void free_array(Array* array);
// With the lock held: `array` takes the place of the current one. What is to be freed afterwards, or NULL.
Array* replace_array(tarn_interner& table, uint32_t index, Array* array);

// interner_counted.cpp

// With the lock held.
void recover_slots(tarn_interner& table, uint32_t index);
// The last reference is given back.
void drop(tarn_interner& table, const Interned* string);

// interner_life.cpp

// The list of all tables, and the handler of fork.
bool watch(tarn_interner& table);
void unwatch(tarn_interner& table);

}  // namespace tarn
