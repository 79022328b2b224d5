// SPDX-License-Identifier: MIT
// What goes over all strings of a table: statistics and tarn_intern_each.
#include <errno.h>

#include "api/interner/table.h"
#include "entry/entry.h"
#include "entry/lookup.h"
#include "entry/resize.h"

namespace {

using tarn::Interned;
using tarn::Shard;

constexpr size_t kStatsHeader = offsetof(tarn_interner_stats, requests);

uint64_t usable_bytes(const void* block) {
    return tarn::usable_size(const_cast<void*>(block));
}

// With the lock held.
void add_shard(tarn_interner_stats& stats, const tarn_interner& table, uint32_t index, const Shard& shard) {
    stats.strings += shard.count;
    tarn::each_string(table.views[index].load(std::memory_order_relaxed),
                      [&](const Interned* string, uint64_t) {
                          const size_t length = tarn_interned_length(string);
                          stats.text_bytes += length;
                          if (!table.counted) return;
                          const uint32_t held = tarn::references(string).load(std::memory_order_relaxed);
                          stats.copy_bytes += tarn::copy_bytes(length) * (held == tarn::kStays ? 1 : held);
                          stats.allocated_bytes += usable_bytes(&tarn::references(string));
                      });
    for (const tarn::Chunk* chunk = shard.chunks; chunk; chunk = chunk->next)
        stats.allocated_bytes += usable_bytes(chunk);
    for (const tarn::Array* array = shard.arrays; array; array = array->previous)
        stats.allocated_bytes += usable_bytes(array) + usable_bytes(tarn::groups_of(array->view));
}

void add_requests(tarn_interner_stats& stats, const tarn_interner& table,
                  const tarn::RequestCounters& counters) {
    stats.requests += counters.requests.load(std::memory_order_relaxed);
    if (!table.counted) stats.copy_bytes += counters.copy_bytes.load(std::memory_order_relaxed);
}

// act(counters) for each thread's, and those that are shared.
template <class Act>
void each_counters(const tarn_interner& table, Act act) {
    for (const auto& place : table.counters)
        if (const tarn::RequestCounters* const counters = place.load(std::memory_order_acquire))
            act(*counters);
    act(table.shared_counters);
}

void read(tarn_interner_stats& stats, tarn_interner& table) {
    stats.version = TARN_INTERNER_STATS_VERSION;
    stats.keywords = table.keyword_count;
    stats.allocated_bytes = usable_bytes(&table) + usable_bytes(table.keywords);
    for (uint32_t index = 0; index < table.shard_count(); ++index) {
        Shard& shard = table.shards()[index];
        tarn::Guard guard(shard.lock);
        add_shard(stats, table, index, shard);
    }
    each_counters(table, [&](const tarn::RequestCounters& counters) {
        add_requests(stats, table, counters);
        if (&counters != &table.shared_counters) stats.allocated_bytes += usable_bytes(&counters);
    });
    if (stats.copy_bytes)
        stats.saved = 1 - static_cast<double>(stats.allocated_bytes) / static_cast<double>(stats.copy_bytes);
}

// Strings of a counted table, which keep their references while the walk lasts.
struct KeptStrings {
    tarn_interner& table;
    const Interned** strings = nullptr;
    size_t count = 0, room = 0;

    ~KeptStrings() {
        while (count)
            tarn_interned_release(&table, strings[--count]);
        tarn::release(strings);
    }
    // Room for so many more; false and ENOMEM. No lock is held.
    bool make_room(size_t more) {
        size_t bytes;
        if (__builtin_mul_overflow(count + more, sizeof *strings, &bytes)) bytes = PTRDIFF_MAX;
        void* const larger = tarn::reallocate(strings, bytes);
        if (!larger) return false;
        strings = static_cast<const Interned**>(larger);
        room = count + more;
        return true;
    }
    bool keep_shard(uint32_t index) {
        Shard& shard = table.shards()[index];
        for (;;) {
            size_t more;
            {
                tarn::Guard guard(shard.lock);
                more = shard.count;
                if (count + more <= room) {
                    tarn::each_string(table.views[index].load(std::memory_order_relaxed),
                                      [&](const Interned* string, uint64_t) {
                                          tarn::add_reference(string);
                                          strings[count++] = string;
                                      });
                    return true;
                }
            }
            if (!make_room(more + more / 8)) return false;
        }
    }
};

int each_kept(tarn_interner& table, int (*visit)(void*, const tarn_interned*), void* context) {
    KeptStrings kept{table};
    for (uint32_t index = 0; index < table.shard_count(); ++index)
        if (!kept.keep_shard(index)) return -1;
    int result = 0;
    for (size_t i = 0; i < kept.count && result == 0; ++i)
        result = visit(context, kept.strings[i]);
    return result;
}

}  // namespace

void tarn::read_interner(const Meter& meter, MeterCounts& counts) {
    // Shards are only reached by what is not const.
    auto& table = const_cast<tarn_interner&>(static_cast<const tarn_interner&>(meter));
    ++counts.interners;
    ++counts.interners_made;
    counts.interner_bytes += usable_bytes(&table) + usable_bytes(table.keywords);
    for (uint32_t index = 0; index < table.shard_count(); ++index) {
        const Shard& shard = table.shards()[index];
        counts.interned_strings += shard.count;
        counts.interner_bytes += shard.string_bytes + shard.array_bytes;
    }
    each_counters(table, [&](const RequestCounters& counters) {
        counts.intern_requests += counters.requests.load(std::memory_order_relaxed);
        if (&counters != &table.shared_counters) counts.interner_bytes += usable_bytes(&counters);
    });
}

int tarn_interner_stats_get(tarn_interner* table, tarn_interner_stats* stats, size_t size) {
    if (!table || !stats || size < kStatsHeader) return -1;
    tarn_interner_stats all{};
    read(all, *table);
    const size_t known = size < sizeof all ? size : sizeof all;
    __builtin_memcpy(stats, &all, known);
    __builtin_memset(reinterpret_cast<char*>(stats) + known, 0, size - known);
    return 0;
}

int tarn_intern_each(tarn_interner* table, int (*visit)(void* context, const tarn_interned* string),
                     void* context) {
    if (!table || !visit) {
        errno = EINVAL;
        return -1;
    }
    if (table->counted) return each_kept(*table, visit, context);
    int result = 0;
    for (uint32_t index = 0; index < table->shard_count() && result == 0; ++index)
        tarn::each_string(table->views[index].load(std::memory_order_acquire),
                          [&](const Interned* string, uint64_t) {
                              if (result == 0) result = visit(context, string);
                          });
    return result;
}
