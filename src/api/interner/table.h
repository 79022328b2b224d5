// SPDX-License-Identifier: MIT
// A table of interned strings: its layout, and the look-up.
//
//   table -> views[shard] -> groups -> string
//
// A string belongs to the shard that the low bits of its hash name. A shard has an array of groups, at first
// one group in the block of the table; a group is one cache line:
//
//   | control: tag tag tag tag tag tag tag overflow | 7 addresses |
//
// A tag is eight further bits of the hash, 0 where no string is; overflow counts the strings that went past
// this group because it was full (255: so many, for ever). The search begins at the group that the high bits
// of the 32-bit hash name, and goes on while there was overflow: nearly always one line, and no branch on
// what a tag is. After F14 (Nathan Bronson, Xiao Shi, Facebook 2019), with eight bytes for its sixteen, so
// that the control word is read and written as one atomic. A view is the address of the groups with 32 - log2
// of their number in its low six bits, so that readers get both by one load.
//
// Ordinary table. Invariants:
//   - a string is whole, and its address in place, before its tag is written (release); none of them ever
//     changes again;
//   - an array that was replaced stays as it was, and is freed with the table (all of them together are
//     smaller than the current one); what is in it is in its successor, which was whole before its view was
//     written;
//   - overflow is counted before the string that it stands for has its tag.
// So readers take no lock and no step back: one that finds nothing was right at the moment it loaded the
// view, or looks again under the lock. Writers hold the shard's lock. Their order of steps is such that the
// child of a fork can go on from between any two (recover_shard).
//
// Counted table. Invariants:
//   - groups are read and written under the shard's lock only;
//   - a string with a tag has at least one reference; the step from 1 to 0 is made under the lock, and the
//     tag is cleared before the lock is free again.
// So who finds a string under the lock may take a reference, and who has one may add and give back others
// without the lock. Strings come from malloc one by one.
//
// The block of a table: tarn_interner, its shards, the first group of each, and in an ordinary table room for
// the text of a few strings, which all shards share: whoever moves first_room has what lies in between.
//
// No lock is held over a call of allocate or release: what is needed is brought along (insert), since a
// large block may come from the backend, and loading one runs the program's code.
#pragma once
#include "api/interner/counters.h"
#include "api/interner/hash.h"
#include "base/published.h"
#include "os/lock.h"
#include "stats/meters.h"
#include "tarn/interner.h"

namespace tarn {

using Interned = tarn_interned;

inline constexpr unsigned kGroupStrings = 7, kOverflowShift = 56;
inline constexpr uint64_t kTagOnes = 0x0001010101010101;
inline constexpr uint64_t kOverflowMost = 255;
inline constexpr uintptr_t kShiftMask = 63;
inline constexpr unsigned kLog2Most = 31;  // of groups
inline constexpr size_t kLengthMost = (size_t{1} << TARN_INTERNED_KEYWORD_BIT) - 65;
inline constexpr uint32_t kStays = UINT32_MAX;  // references of a string that is never dropped
inline constexpr int64_t kNoKeyword = -1;

struct alignas(64) Group {
    std::atomic<uint64_t> control;
    std::atomic<const Interned*> strings[kGroupStrings];
};
static_assert(sizeof(Group) == 64);

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
    Lock lock;  // protects what follows, and the writing of the shard's view and groups
    Published count;
    Published string_bytes;    // of all chunks, or of the strings of a counted table
    Published array_bytes;     // of all arrays, with those that were replaced
    Array* arrays = nullptr;   // the current one first; NULL: the view is that of the first group
    Chunk* chunks = nullptr;   // all
    char* room = nullptr;      // where the next string goes
    char* room_end = nullptr;  // room <= room_end
};

}  // namespace tarn

struct alignas(64) tarn_interner : tarn::Meter {
    tarn::HashKeys keys;
    const tarn_interned** keywords;  // by number
    uint32_t keyword_count;
    uint32_t shard_mask;
    std::atomic<uint16_t> first_room;  // bytes from the table's start; up to first_room_end
    uint16_t first_room_end;
    bool counted;
    bool of_process;
    // Read by every look-up, written by growth and by a thread's first request.
    alignas(64) std::atomic<uintptr_t> views[TARN_INTERNER_SHARDS_MOST];
    std::atomic<tarn::RequestCounters*> counters[tarn::kCounterSlots];
    tarn::RequestCounters shared_counters;

    tarn::Shard* shards() { return reinterpret_cast<tarn::Shard*>(this + 1); }
    tarn::Group* first_groups() { return reinterpret_cast<tarn::Group*>(shards() + shard_count()); }
    uint32_t shard_count() const { return shard_mask + 1; }
};
static_assert(sizeof(tarn_interner) ==
                  64 + sizeof(tarn_interner::views) + sizeof(tarn_interner::counters) + 64,
              "a look-up reads one line besides the views");

namespace tarn {

[[gnu::always_inline]] inline Group* groups_of(uintptr_t view) {
    return reinterpret_cast<Group*>(view & ~kShiftMask);
}
[[gnu::always_inline]] inline unsigned shift_of(uintptr_t view) {
    return static_cast<unsigned>(view & kShiftMask);
}
inline unsigned log2_of(uintptr_t view) {
    return 32 - shift_of(view);
}
inline size_t group_count(uintptr_t view) {
    return size_t{1} << log2_of(view);
}
// The group where the search for a hash begins.
[[gnu::always_inline]] inline size_t home_of(uintptr_t view, uint32_t hash) {
    return uint64_t{hash} >> shift_of(view);
}
[[gnu::always_inline]] inline Group& home_group(uintptr_t view, uint64_t hash) {
    return groups_of(view)[home_of(view, static_cast<uint32_t>(hash))];
}
[[gnu::always_inline]] inline uint64_t tag_of(uint64_t hash) {
    const uint64_t tag = hash >> 56;
    return tag + (tag == 0);
}
[[gnu::always_inline]] inline uint64_t tag_at(uint64_t control, unsigned place) {
    return control >> (8 * place) & 255;
}
inline uint64_t overflow_of(uint64_t control) {
    return control >> kOverflowShift;
}
// The top bit of each byte of the control word that is this tag; exact.
[[gnu::always_inline]] inline uint64_t places_with(uint64_t control, uint64_t tag) {
    const uint64_t x = control ^ tag * kTagOnes;
    return ~(((x & 0x7f * kTagOnes) + 0x7f * kTagOnes) | x) & 0x80 * kTagOnes;
}
[[gnu::always_inline]] inline unsigned first_place(uint64_t places) {
    return static_cast<unsigned>(__builtin_ctzll(places)) / 8;
}
inline const char* text_of(const Interned* string) {
    return reinterpret_cast<const char*>(string + 1);
}

[[gnu::always_inline]] inline bool has_length(const Interned* string, size_t length) {
    return (string->length_bits ^ static_cast<uint32_t>(length)) << 1 == 0;  // a keyword or not
}
inline bool is_string(const Interned* string, const Key& key) {
    return has_length(string, key.length) && string->hash_bits == static_cast<uint32_t>(key.hash) &&
           same_text(text_of(string), key.text, key.length);
}

// What nearly every look-up of what is present finds: the first string with the tag in the group where the
// search begins. NULL: none is there.
[[gnu::always_inline]] inline const Interned* first_candidate(uintptr_t view, uint64_t hash) {
    const Group& group = home_group(view, hash);
    const uint64_t control = group.control.load(std::memory_order_acquire);
    // Alan Mycroft's test for a byte that is 0; the lowest one that it shows is.
    const uint64_t x = control ^ tag_of(hash) * kTagOnes;
    const uint64_t places = ((x - kTagOnes) & ~x) >> 7 & kTagOnes;
    if (places == 0) [[unlikely]]
        return nullptr;
    // The number of the bit is that of the place times the size of an address.
    const char* const at =
        reinterpret_cast<const char*>(group.strings) + static_cast<unsigned>(__builtin_ctzll(places));
    const Interned* const string =
        reinterpret_cast<const std::atomic<const Interned*>*>(at)->load(std::memory_order_relaxed);
    if (!string) __builtin_unreachable();
    return string;
}

// NULL: it was not there when the view was loaded.
inline const Interned* look_up(uintptr_t view, const Key& key) {
    const Group* const groups = groups_of(view);
    const uint64_t tag = tag_of(key.hash);
    size_t at = home_of(view, static_cast<uint32_t>(key.hash));
    for (size_t left = group_count(view); left != 0; --left) {
        const Group& group = groups[at];
        const uint64_t control = group.control.load(std::memory_order_acquire);
        for (uint64_t places = places_with(control, tag); places; places &= places - 1) {
            const Interned* const string = group.strings[first_place(places)].load(std::memory_order_relaxed);
            if (is_string(string, key)) [[likely]]
                return string;
        }
        if (overflow_of(control) == 0) break;
        at = (at + 1) & (group_count(view) - 1);
    }
    return nullptr;
}

// That a key was absent, as the group where the search begins said alone. A view of 0: nothing is known.
struct Absence {
    uintptr_t view = 0;
    uint64_t control = 0;
};
inline Absence absence(uintptr_t view, uint64_t hash) {
    const uint64_t control = home_group(view, hash).control.load(std::memory_order_acquire);
    if (overflow_of(control) != 0 || places_with(control, tag_of(hash)) != 0) return {};
    return {view, control};
}
// With the lock held, in an ordinary table, whose control words only gain: it still is while they are the
// same.
inline bool is_current(const Absence& known, uintptr_t view, uint64_t hash) {
    return known.view == view &&
           known.control == home_group(view, hash).control.load(std::memory_order_relaxed);
}

// act(string, tag) for each.
template <class Act>
void each_string(uintptr_t view, Act act) {
    for (size_t at = 0, end = group_count(view); at < end; ++at) {
        const Group& group = groups_of(view)[at];
        const uint64_t control = group.control.load(std::memory_order_acquire);
        for (unsigned place = 0; place < kGroupStrings; ++place)
            if (const uint64_t tag = tag_at(control, place))
                act(group.strings[place].load(std::memory_order_relaxed), tag);
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

// insert.cpp

// The string, inserted if need be; in a counted table with a reference. NULL and ENOMEM. `known`: in an
// ordinary table only.
[[gnu::noinline]] const Interned* insert(tarn_interner& table, const Key& key, const Absence& known,
                                         int64_t keyword = kNoKeyword);
// An array for each shard, with room for `strings` together, unless that is what the first groups have.
// False and ENOMEM.
bool reserve_room(tarn_interner& table, size_t strings);
// Whole cache lines, their content undefined; NULL and ENOMEM. release frees them.
void* allocate_lines(size_t bytes);
// Empty; NULL and ENOMEM.
Array* new_array(unsigned log2);
void free_array(Array* array);
// With the lock held: `array` takes the place of the current one. What is to be freed afterwards, or NULL.
Array* replace_array(tarn_interner& table, uint32_t index, Array* array);

// counted.cpp

// With the lock held: the string, which is there, leaves its group.
void take_out(uintptr_t view, const Interned* string);
// The last reference is given back.
void drop(tarn_interner& table, const Interned* string);

// life.cpp: from now on the reports count it, and the handler of fork mends it.
void list_table(tarn_interner& table);
// walk.cpp: what it tells the reports. Takes no lock.
void read_interner(const Meter& meter, MeterCounts& counts);

}  // namespace tarn
