// SPDX-License-Identifier: MIT
// interner.h implemented: making and ending tables, and the calls on strings.
#include "tarn/interner.h"

#include <errno.h>
#include <string.h>

#include <new>

#include "api/interner/table.h"
#include "entry/entry.h"
#include "os/os.h"

namespace {

using tarn::Interned;
using tarn::Key;

constexpr size_t kFirstText = 256;
constexpr uint32_t kShardsUsual = 8, kShardsOfProcess = TARN_INTERNER_SHARDS_MOST;
constexpr uint32_t kFlags = TARN_INTERNER_COUNTED | TARN_INTERNER_SEEDED;

template <class T>
T* refuse(int error) {
    errno = error;
    return nullptr;
}

bool fail(int error) {
    errno = error;
    return false;
}

// Sebastiano Vigna's splitmix64 (2015), one step.
uint64_t scramble(uint64_t& state) {
    uint64_t x = state += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

tarn::HashKeys keys_of_seed(uint64_t seed) {
    const uint64_t first = scramble(seed);
    return {first, scramble(seed)};
}

// Different for each process and table. Folded, so that the kernel's random bytes cannot be computed back.
tarn::HashKeys random_keys() {
    static constinit std::atomic<uint64_t> tables{0};
    static constinit std::atomic<uint64_t> of_process{0};  // which takes a while to ask for
    uint64_t start = of_process.load(std::memory_order_relaxed);
    if (start == 0) of_process.store(start = tarn::os::random(), std::memory_order_relaxed);
    uint64_t state = start + (tables.fetch_add(1, std::memory_order_relaxed) << 32);
    const uint64_t first = tarn::fold(scramble(state), scramble(state) | 1);
    return {first, tarn::fold(scramble(state), scramble(state) | 1)};
}

// False and EINVAL when they make no sense.
bool read_options(tarn_interner_options& to, const tarn_interner_options* from, size_t size) {
    memset(&to, 0, sizeof to);
    if (from) {
        if (size < sizeof from->version || from->version != TARN_INTERNER_OPTIONS_VERSION)
            return fail(EINVAL);
        memcpy(&to, from, size < sizeof to ? size : sizeof to);
        if (to.flags & ~kFlags || to.shards & (to.shards - 1) || to.shards > TARN_INTERNER_SHARDS_MOST)
            return fail(EINVAL);
        if (to.keyword_count > INT32_MAX || (to.keyword_count && !to.keywords)) return fail(EINVAL);
    }
    if (to.shards == 0) to.shards = kShardsUsual;
    return true;
}

tarn_interner* bare_table(const tarn_interner_options& options) {
    const size_t parts = sizeof(tarn_interner) + options.shards * (sizeof(tarn::Shard) + sizeof(tarn::Group));
    const size_t text = options.flags & TARN_INTERNER_COUNTED ? 0 : kFirstText;
    void* const memory = tarn::allocate_lines(parts + text);
    if (!memory) return nullptr;
    memset(memory, 0, parts);  // which is what the constructors of all of them would do
    tarn_interner* const table = static_cast<tarn_interner*>(memory);
    new (static_cast<tarn::Meter*>(table)) tarn::Meter(tarn::read_interner);
    table->first_room.store(static_cast<uint16_t>(parts), std::memory_order_relaxed);
    table->first_room_end = static_cast<uint16_t>(parts + text);
    table->keys = options.flags & TARN_INTERNER_SEEDED ? keys_of_seed(options.seed) : random_keys();
    table->shard_mask = options.shards - 1;
    table->counted = options.flags & TARN_INTERNER_COUNTED;
    for (uint32_t index = 0; index < options.shards; ++index)
        table->views[index].store(reinterpret_cast<uintptr_t>(table->first_groups() + index) | 32,
                                  std::memory_order_relaxed);
    return table;
}

[[gnu::always_inline]] inline Key key_of(const tarn_interner& table, const char* text, size_t length) {
    return {text, length, tarn::hash_text(text, length, table.keys)};
}

// False and errno.
bool add_keywords(tarn_interner& table, const tarn_interner_options& options) {
    if (options.keyword_count == 0) return true;
    table.keywords =
        static_cast<const Interned**>(tarn::allocate(options.keyword_count * sizeof *table.keywords));
    if (!table.keywords) return false;
    for (uint32_t number = 0; number < options.keyword_count; ++number) {
        const char* const word = options.keywords[number];
        const size_t length = word ? strlen(word) : 0;
        if (length > tarn::kLengthMost) return fail(ENOMEM);
        const Interned* const string =
            word ? tarn::insert(table, key_of(table, word, length), {}, number) : refuse<Interned>(EINVAL);
        if (!string) return false;
        if (tarn_interned_keyword(string) != static_cast<int>(number)) return fail(EINVAL);
        table.keywords[number] = string;
        table.keyword_count = number + 1;
    }
    return true;
}

void free_strings(tarn_interner& table, uint32_t index) {
    const uintptr_t view = table.views[index].load(std::memory_order_relaxed);
    tarn::each_string(view,
                      [](const Interned* string, uint64_t) { tarn::release(&tarn::references(string)); });
}

void free_table(tarn_interner& table) {
    for (uint32_t index = 0; index < table.shard_count(); ++index) {
        tarn::Shard& shard = table.shards()[index];
        if (table.counted) free_strings(table, index);
        while (tarn::Chunk* chunk = shard.chunks) {
            shard.chunks = chunk->next;
            tarn::release(chunk);
        }
        while (tarn::Array* array = shard.arrays) {
            shard.arrays = array->previous;
            tarn::free_array(array);
        }
    }
    for (auto& place : table.counters)  // nearly all are NULL, which release takes long to see
        if (tarn::RequestCounters* const counters = place.load(std::memory_order_relaxed))
            tarn::release(counters);
    if (table.keywords) tarn::release(table.keywords);
    tarn::release(&table);
}

tarn_interner* make_table(const tarn_interner_options& options) {
    tarn_interner* const table = bare_table(options);
    if (!table) return nullptr;
    if (tarn::reserve_room(*table, options.expected) && add_keywords(*table, options)) {
        tarn::list_table(*table);
        return table;
    }
    const int error = errno;
    free_table(*table);
    return refuse<tarn_interner>(error);
}

// A thread's first request in this table, and every one of a thread without a slot. errno stays;
// returns `string`.
[[gnu::noinline]] const Interned* count_first(tarn_interner& table, size_t length, const Interned* string) {
    const int error = errno;
    if (tarn::counter_slot == 0) tarn::take_counter_slot();
    tarn::RequestCounters* counters = nullptr;
    if (tarn::counter_slot != 0) {
        auto& place = table.counters[tarn::counter_slot];
        counters = place.load(std::memory_order_relaxed);
        if (!counters) {
            void* const memory = tarn::allocate_lines(sizeof *counters);
            if (memory) counters = static_cast<tarn::RequestCounters*>(memset(memory, 0, sizeof *counters));
            place.store(counters, std::memory_order_release);
        }
    }
    if (!counters) counters = &table.shared_counters;
    counters->requests.fetch_add(1, std::memory_order_relaxed);
    counters->copy_bytes.fetch_add(tarn::copy_bytes(length), std::memory_order_relaxed);
    errno = error;
    return string;
}

void add(std::atomic<uint64_t>& own, uint64_t amount) {
    own.store(own.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

// Returns `string`, so that it is nothing to be kept over a call.
[[gnu::always_inline]] inline const Interned* count_request(tarn_interner& table, size_t length,
                                                            const Interned* string) {
    tarn::RequestCounters* const counters =
        table.counters[tarn::counter_slot].load(std::memory_order_relaxed);
    if (!counters) [[unlikely]]
        return count_first(table, length, string);
    add(counters->requests, 1);
    add(counters->copy_bytes, tarn::copy_bytes(length));
    return string;
}

bool makes_sense(const tarn_interner* table, const char* text, size_t length) {
    return table && (text || length == 0);
}

// Counted, in a rare place, absent, or no sense in it.
[[gnu::noinline]] const Interned* intern_slowly(tarn_interner* table, const char* text, size_t length) {
    if (!makes_sense(table, text, length)) return refuse<const Interned>(EINVAL);
    if (length > tarn::kLengthMost) return refuse<const Interned>(ENOMEM);
    const Key key = key_of(*table, text, length);
    const Interned* string = nullptr;
    tarn::Absence known;
    if (!table->counted) {
        const uintptr_t view = table->views[tarn::shard_of(*table, key.hash)].load(std::memory_order_acquire);
        known = tarn::absence(view, key.hash);
        if (known.view == 0) string = tarn::look_up(view, key);
    }
    if (!string) string = tarn::insert(*table, key, known);
    return string ? count_request(*table, length, string) : nullptr;
}

// The request done if the first candidate is it. same(text) compares.
template <class Same>
[[gnu::always_inline]] inline const Interned* intern_first(tarn_interner& table, uint64_t hash,
                                                           const char* text, size_t length, Same same) {
    const uintptr_t view = table.views[tarn::shard_of(table, hash)].load(std::memory_order_acquire);
    const Interned* const string = tarn::first_candidate(view, hash);
    if (!string || !tarn::has_length(string, length) || !same(tarn::text_of(string))) [[unlikely]]
        return intern_slowly(&table, text, length);
    return count_request(table, length, string);
}

// An ordinary table; `text` is not NULL. In a function of its own for each way to read text, so that each
// gets by with the registers that need not be saved.
template <class Reading>
[[gnu::always_inline]] inline const Interned* intern_short(tarn_interner& table, const char* text,
                                                           size_t length) {
    return intern_first(table, tarn::hash_short<Reading>(text, length, table.keys), text, length,
                        [&](const char* kept) { return tarn::same_short<Reading>(kept, text, length); });
}
[[gnu::noinline]] const Interned* intern_halves(tarn_interner& table, const char* text, size_t length) {
    return intern_short<tarn::TwoHalves>(table, text, length);
}
[[gnu::noinline]] const Interned* intern_bytes(tarn_interner& table, const char* text, size_t length) {
    return intern_short<tarn::ThreeBytes>(table, text, length);
}
[[gnu::noinline]] const Interned* intern_long(tarn_interner& table, const char* text, size_t length) {
    return intern_first(table, tarn::hash_long(text, length, table.keys), text, length,
                        [&](const char* kept) { return tarn::same_long(kept, text, length); });
}

}  // namespace

tarn_interner* tarn_interner_create(const tarn_interner_options* options, size_t size) {
    tarn_interner_options known;
    return read_options(known, options, size) ? make_table(known) : nullptr;
}

void tarn_interner_destroy(tarn_interner* table) {
    if (!table || table->of_process) return;
    const int error = errno;
    table->unlist();
    free_table(*table);
    errno = error;
}

tarn_interner* tarn_interner_process() {
    static constinit std::atomic<tarn_interner*> process{nullptr};
    tarn_interner* known = process.load(std::memory_order_acquire);
    if (known) return known;
    tarn_interner_options options{};
    options.shards = kShardsOfProcess;
    tarn_interner* const made = make_table(options);
    if (!made) return nullptr;
    if (process.compare_exchange_strong(known, made, std::memory_order_acq_rel)) {
        made->of_process = true;
        return made;
    }
    tarn_interner_destroy(made);
    return known;
}

const tarn_interned* tarn_intern(tarn_interner* table, const char* text, size_t length) {
    if (!table || !text || table->counted) [[unlikely]]
        return intern_slowly(table, text, length);
    if (length - 8 <= 8) [[likely]]
        return intern_short<tarn::TwoWords>(*table, text, length);
    if (length - 4 < 4) return intern_halves(*table, text, length);
    if (length - 1 < 3) return intern_bytes(*table, text, length);
    return length != 0 && length <= tarn::kLengthMost ? intern_long(*table, text, length)
                                                      : intern_slowly(table, text, length);
}

const tarn_interned* tarn_intern_pair(tarn_interner* table, const char* first, size_t first_length,
                                      const char* second, size_t second_length) {
    if (!makes_sense(table, first, first_length) || !makes_sense(table, second, second_length))
        return refuse<const Interned>(EINVAL);
    size_t length;
    if (__builtin_add_overflow(first_length, second_length, &length) || length > tarn::kLengthMost)
        return refuse<const Interned>(ENOMEM);
    char few[256];
    char* const both = length <= sizeof few ? few : static_cast<char*>(tarn::allocate(length));
    if (!both) return nullptr;
    if (first_length) memcpy(both, first, first_length);
    if (second_length) memcpy(both + first_length, second, second_length);
    const Interned* const string = tarn_intern(table, both, length);
    if (both != few) tarn::release(both);
    return string;
}

const tarn_interned* tarn_interner_find(tarn_interner* table, const char* text, size_t length) {
    if (!makes_sense(table, text, length) || length > tarn::kLengthMost) return nullptr;
    const Key key = key_of(*table, text, length);
    const uint32_t index = tarn::shard_of(*table, key.hash);
    if (!table->counted) return tarn::look_up(table->views[index].load(std::memory_order_acquire), key);
    tarn::Guard guard(table->shards()[index].lock);
    const Interned* const found = tarn::look_up(table->views[index].load(std::memory_order_relaxed), key);
    if (found) tarn::add_reference(found);
    return found;
}

const tarn_interned* tarn_interner_keyword(const tarn_interner* table, size_t number) {
    return table && number < table->keyword_count ? table->keywords[number] : nullptr;
}

const tarn_interned* tarn_interned_retain(tarn_interner* table, const tarn_interned* string) {
    if (table && string && table->counted) tarn::add_reference(string);
    return string;
}

void tarn_interned_release(tarn_interner* table, const tarn_interned* string) {
    if (!table || !string || !table->counted) return;
    std::atomic<uint32_t>& count = tarn::references(string);
    uint32_t held = count.load(std::memory_order_relaxed);
    while (held > 1 && held != tarn::kStays)
        if (count.compare_exchange_weak(held, held - 1, std::memory_order_release, std::memory_order_relaxed))
            return;
    if (held != tarn::kStays) tarn::drop(*table, string);
}
