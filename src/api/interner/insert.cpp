// SPDX-License-Identifier: MIT
// Insertion and growth. A shard's lock is held to look again and to put things in place; memory is fetched
// between two such attempts, and what another thread made needless is given back.
#include <errno.h>

#include "api/interner/table.h"
#include "entry/entry.h"
#include "entry/lookup.h"

namespace tarn {

namespace {

constexpr size_t kChunkFirst = 256, kChunkMost = kSmallMax;
constexpr size_t kCountedPrefix = 8, kKeywordPrefix = 4;

// A string to be.
struct Wanted {
    Key key;
    int64_t keyword;
    size_t prefix;  // before the string
    size_t bytes;   // all, a multiple of 4
};

Wanted wanted_string(const tarn_interner& table, const Key& key, int64_t keyword) {
    const size_t prefix = table.counted ? kCountedPrefix : keyword == kNoKeyword ? 0 : kKeywordPrefix;
    const size_t bytes = prefix + sizeof(Interned) + key.length + 1;
    return {key, keyword, prefix, (bytes + 3) & ~size_t{3}};
}

// Memory that an attempt lacks.
struct Lack {
    size_t block_bytes = 0;  // of a chunk, or of the string of a counted table
    bool array = false;
    unsigned array_log2 = 0;
    explicit operator bool() const { return block_bytes != 0 || array; }
};

// What was fetched so far; the rest goes back.
struct Supplies {
    char* block = nullptr;
    size_t block_bytes = 0;
    Array* array = nullptr;
    Array* replaced = nullptr;
    bool no_array = false;  // there was no memory for a larger one

    Supplies() = default;
    Supplies(const Supplies&) = delete;
    Supplies& operator=(const Supplies&) = delete;
    ~Supplies() {
        if (block) release(block);  // of NULL it takes long
        free_array(array);
        free_array(replaced);
    }
    // False and ENOMEM when it is hopeless.
    bool fetch(const Lack& lack) {
        if (lack.block_bytes) {
            if (block) release(block);
            block = static_cast<char*>(allocate(lack.block_bytes));
            block_bytes = lack.block_bytes;
            if (!block) return false;
        }
        if (lack.array) {
            free_array(array);
            const int error = errno;
            array = new_array(lack.array_log2);
            no_array = !array;
            if (no_array) errno = error;
        }
        return true;
    }
};

// Six of seven places may be taken; all when there is no memory for more.
bool is_full(const Shard& shard, uintptr_t view, bool to_the_last) {
    return shard.count >= group_count(view) * (kGroupStrings - !to_the_last);
}

// Chunks grow with the shard: what is not yet used of the last one stays a fraction of the whole.
size_t chunk_bytes(const Shard& shard, size_t string_bytes) {
    const size_t needed = sizeof(Chunk) + string_bytes;
    size_t bytes = shard.string_bytes / 2;
    if (bytes < kChunkFirst) bytes = kChunkFirst;
    if (bytes > kChunkMost) bytes = kChunkMost;
    if (bytes < needed) bytes = needed;
    return bytes <= kSmallMax ? kSizeClasses[class_of_size(bytes)].size : bytes;
}

size_t room(const Shard& shard) {
    return static_cast<size_t>(shard.room_end - shard.room);
}

Lack lacking(const tarn_interner& table, const Shard& shard, uintptr_t view, const Wanted& wanted,
             const Supplies& supplies) {
    Lack lack;
    if (table.counted) {
        if (!supplies.block) lack.block_bytes = wanted.bytes;
    } else if (room(shard) < wanted.bytes &&
               (!supplies.block || supplies.block_bytes < sizeof(Chunk) + wanted.bytes)) {
        lack.block_bytes = chunk_bytes(shard, wanted.bytes);
    }
    if (is_full(shard, view, supplies.no_array)) {
        const unsigned log2 = log2_of(view) + 1;
        lack.array = !supplies.array || log2_of(supplies.array->view) < log2;
        lack.array_log2 = log2;
    }
    return lack;
}

// Of what the shard has, else of what all shards share; NULL when neither has so much.
char* take_present_room(tarn_interner& table, Shard& shard, size_t bytes) {
    if (room(shard) >= bytes) {
        char* const taken = shard.room;
        shard.room += bytes;
        return taken;
    }
    uint16_t at = table.first_room.load(std::memory_order_relaxed);
    do {
        if (size_t{table.first_room_end} - at < bytes) return nullptr;
    } while (!table.first_room.compare_exchange_weak(at, static_cast<uint16_t>(at + bytes),
                                                     std::memory_order_relaxed, std::memory_order_relaxed));
    return reinterpret_cast<char*>(&table) + at;
}

// A chunk, all of it or what the string leaves of it, becomes the room when it is the larger one.
char* take_room(tarn_interner& table, Shard& shard, size_t bytes, Supplies& supplies) {
    if (char* const present = take_present_room(table, shard, bytes)) return present;
    Chunk* const chunk = reinterpret_cast<Chunk*>(supplies.block);
    chunk->next = shard.chunks;
    shard.chunks = chunk;
    shard.string_bytes += usable_size(chunk);
    supplies.block = nullptr;
    char* const taken = reinterpret_cast<char*>(chunk + 1);
    char* const end = reinterpret_cast<char*>(chunk) + supplies.block_bytes;
    if (static_cast<size_t>(end - taken) - bytes > room(shard)) {
        shard.room = taken + bytes;
        shard.room_end = end;
    }
    return taken;
}

Interned* write_string(const tarn_interner& table, char* at, const Wanted& wanted) {
    const bool is_keyword = wanted.keyword != kNoKeyword;
    uint32_t* const string = reinterpret_cast<uint32_t*>(at + wanted.prefix);
    if (is_keyword) string[-1] = static_cast<uint32_t>(wanted.keyword);
    string[0] = static_cast<uint32_t>(wanted.key.hash);
    string[1] = static_cast<uint32_t>(wanted.key.length) | uint32_t{is_keyword} << TARN_INTERNED_KEYWORD_BIT;
    char* const text = reinterpret_cast<char*>(string + 2);
    if (wanted.key.length) __builtin_memcpy(text, wanted.key.text, wanted.key.length);
    text[wanted.key.length] = 0;
    Interned* const made = reinterpret_cast<Interned*>(string);
    if (table.counted) references(made).store(is_keyword ? kStays : 1, std::memory_order_relaxed);
    return made;
}

// A free place in a group; the address, then the tag with everything before it. False when there is none.
bool put_in(Group& group, const Interned* string, uint64_t tag) {
    const uint64_t control = group.control.load(std::memory_order_relaxed);
    const uint64_t places = places_with(control, 0);
    if (places == 0) return false;
    const unsigned place = first_place(places);
    group.strings[place].store(string, std::memory_order_relaxed);
    group.control.store(control | tag << (8 * place), std::memory_order_release);
    return true;
}

// There is a free place.
void put(uintptr_t view, const Interned* string, uint64_t tag) {
    size_t at = home_of(view, string->hash_bits);
    while (!put_in(groups_of(view)[at], string, tag)) {
        std::atomic<uint64_t>& control = groups_of(view)[at].control;
        const uint64_t before = control.load(std::memory_order_relaxed);
        if (overflow_of(before) != kOverflowMost)
            control.store(before + (uint64_t{1} << kOverflowShift), std::memory_order_relaxed);
        at = (at + 1) & (group_count(view) - 1);
    }
}

// At `at`; its group has a free place.
const Interned* put_new(tarn_interner& table, Shard& shard, uintptr_t view, char* at, const Wanted& wanted) {
    Interned* const string = write_string(table, at, wanted);
    put(view, string, tag_of(wanted.key.hash));
    shard.count += 1;
    return string;
}

// With everything at hand.
const Interned* place(tarn_interner& table, uint32_t index, const Wanted& wanted, Supplies& supplies) {
    Shard& shard = table.shards()[index];
    const uintptr_t before = table.views[index].load(std::memory_order_relaxed);
    if (supplies.array && is_full(shard, before, false)) {
        supplies.replaced = replace_array(table, index, supplies.array);
        supplies.array = nullptr;
    }
    char* at = supplies.block;
    if (table.counted) {
        shard.string_bytes += usable_size(at);
        supplies.block = nullptr;
    }
    if (!table.counted) at = take_room(table, shard, wanted.bytes, supplies);
    return put_new(table, shard, table.views[index].load(std::memory_order_relaxed), at, wanted);
}

// The attempts to insert what lacks something.
[[gnu::noinline]] const Interned* insert_supplied(tarn_interner& table, const Wanted& wanted) {
    const uint32_t index = shard_of(table, wanted.key.hash);
    Shard& shard = table.shards()[index];
    for (Supplies supplies;;) {
        Lack lack;
        {
            Guard guard(shard.lock);
            const uintptr_t view = table.views[index].load(std::memory_order_relaxed);
            if (const Interned* found = look_up(view, wanted.key)) {
                if (table.counted) add_reference(found);
                return found;
            }
            lack = lacking(table, shard, view, wanted, supplies);
            const bool at_the_end = supplies.no_array && is_full(shard, view, true);
            if (!lack) return place(table, index, wanted, supplies);
            if (at_the_end) break;
        }
        if (!supplies.fetch(lack)) return nullptr;
    }
    errno = ENOMEM;
    return nullptr;
}

}  // namespace

// Objects of a size class that is a multiple of a line lie in lines of their own.
void* allocate_lines(size_t bytes) {
    if (bytes <= kSmallMax && kSizeClasses[class_of_size(bytes)].size % alignof(Group) == 0)
        if (void* const lines = allocate_fast(bytes)) return lines;
    return allocate_aligned(alignof(Group), bytes);
}

Array* new_array(unsigned log2) {
    if (log2 > kLog2Most) {
        errno = ENOMEM;
        return nullptr;
    }
    const size_t bytes = sizeof(Group) << log2;
    Array* const array = static_cast<Array*>(allocate(sizeof(Array)));
    if (!array) return nullptr;
    void* const groups = allocate_lines(bytes);
    if (!groups) {
        release(array);
        return nullptr;
    }
    __builtin_memset(groups, 0, bytes);
    *array = {nullptr, reinterpret_cast<uintptr_t>(groups) | (32 - log2)};
    return array;
}

void free_array(Array* array) {
    if (!array) return;
    release(groups_of(array->view));
    release(array);
}

namespace {

uint64_t bytes_of(Array* array) {
    return usable_size(array) + usable_size(groups_of(array->view));
}

}  // namespace

Array* replace_array(tarn_interner& table, uint32_t index, Array* array) {
    Shard& shard = table.shards()[index];
    Array* const old = shard.arrays;
    each_string(table.views[index].load(std::memory_order_relaxed),
                [&](const Interned* string, uint64_t tag) { put(array->view, string, tag); });
    array->previous = table.counted ? nullptr : old;
    shard.arrays = array;
    shard.array_bytes += bytes_of(array);
    if (table.counted && old) shard.array_bytes -= bytes_of(old);
    table.views[index].store(array->view, std::memory_order_release);
    return table.counted ? old : nullptr;
}

bool reserve_room(tarn_interner& table, size_t strings) {
    // Five of seven places, not six: shards are not filled evenly.
    const size_t each = strings / table.shard_count();
    unsigned log2 = 0;
    while (log2 < kLog2Most && (size_t{1} << log2) * 5 < each)
        ++log2;
    for (uint32_t index = 0; log2 > 0 && index < table.shard_count(); ++index) {
        Array* const array = new_array(log2);
        if (!array) return false;
        replace_array(table, index, array);
    }
    return true;
}

const Interned* insert(tarn_interner& table, const Key& key, const Absence& known, int64_t keyword) {
    const uint32_t index = shard_of(table, key.hash);
    Shard& shard = table.shards()[index];
    const Wanted wanted = wanted_string(table, key, keyword);
    {
        Guard guard(shard.lock);
        const uintptr_t view = table.views[index].load(std::memory_order_relaxed);
        const Interned* const found = is_current(known, view, key.hash) ? nullptr : look_up(view, key);
        if (found) {
            if (table.counted) add_reference(found);
            return found;
        }
        if (!table.counted && !is_full(shard, view, false))
            if (char* const at = take_present_room(table, shard, wanted.bytes))
                return put_new(table, shard, view, at, wanted);
    }
    return insert_supplied(table, wanted);
}

}  // namespace tarn
