// SPDX-License-Identifier: MIT
#include "hardened/store.h"

#include <string.h>

#include "base/published.h"
#include "heap/slab.h"
#include "os/guard.h"
#include "os/lock.h"
#include "pages/runs.h"

namespace tarn::hardened {

namespace {

constexpr size_t kReady = 8;                  // runs of a length to pick from
constexpr size_t kChunk = size_t{256} << 10;  // of metadata

struct Ready {
    Run runs[kReady];
    size_t count = 0;
};

struct Store {
    Lock lock{LockRank::kStore};
    Ready ready[kUnitsMost + 1];
    void* free_metadata[kSlotClasses] = {};
    char* metadata = nullptr;  // the current chunk, from here
    char* metadata_end = nullptr;
    Published slabs, unguarded;
};
constinit Store store;

size_t metadata_bytes_of(const SlotInfo& info) {
    return (info.words() * sizeof(uint64_t) + info.slots * sizeof(SlotWord) + 63) / 64 * 64;
}

void* take_metadata(SlotClass c) {
    if (void* const piece = store.free_metadata[c]) {
        store.free_metadata[c] = *static_cast<void**>(piece);
        return piece;
    }
    const size_t bytes = metadata_bytes_of(kSlots[c]);
    if (static_cast<size_t>(store.metadata_end - store.metadata) < bytes) {
        char* const chunk = static_cast<char*>(guarded_memory(kChunk));
        if (!chunk) return nullptr;
        store.metadata = chunk;
        store.metadata_end = chunk + kChunk;
    }
    char* const piece = store.metadata;
    store.metadata += bytes;
    return piece;
}

void give_metadata(SlotClass c, void* piece) {
    *static_cast<void**>(piece) = store.free_metadata[c];
    store.free_metadata[c] = piece;
}

// Any of those that come next; the supply alone would give the lowest.
Run take_any_run(size_t units, uint64_t random) {
    Ready& ready = store.ready[units];
    if (ready.count < kReady / 2)
        ready.count += take_runs(Units{units}, RunUse::kSlab, ready.runs + ready.count, kReady - ready.count);
    if (ready.count == 0) return {};
    const size_t picked = static_cast<size_t>(random >> 32) % ready.count;
    const Run run = ready.runs[picked];
    ready.runs[picked] = ready.runs[--ready.count];
    return run;
}

// In the records of its units, as ordinary slabs have them: of none.
constexpr uint8_t kWasHere = kClasses + 1;
void remember(void* unit) {
    tarn::Slab& record = *static_cast<tarn::Slab*>(record_at(unit));
    record.state = SlabState::kNone;
    record.behind = 0;
    record.size_class = kWasHere;
}

// On larger pages than a unit neighbours would go, too.
bool discard_units(void* at, size_t units) {
    return os::page_size() <= kUnitSize && os::discard(at, units * kUnitSize);
}

// Slots of malloc(0) are all in the guard.
size_t guard_bytes(const GuardedSlab& slab) {
    return slab.slot_class == kUntouchable ? slab.info().units * kUnitSize : kFirstSlot;
}

}  // namespace

bool was_here(const void* p) {
    const tarn::Slab& record = *static_cast<const tarn::Slab*>(record_at(p));
    return record.state == SlabState::kNone && record.behind == 0 && record.size_class == kWasHere;
}

void* guarded_memory(size_t bytes) {
    const size_t page = os::page_size();
    bytes = (bytes + page - 1) / page * page;
    char* const at = static_cast<char*>(os::map(bytes + 2 * page));
    if (!at) return nullptr;
    (void)os::guard(at, page);
    (void)os::guard(at + page + bytes, page);
    return at + page;
}

GuardedSlab* make_slab(SlotClass c, uint8_t shard, uint64_t random) {
    if (store.lock.is_mine() || runs_are_mine()) return nullptr;
    Guard guard(store.lock);
    const SlotInfo& info = kSlots[c];
    void* const metadata = take_metadata(c);
    if (!metadata) return nullptr;
    const Run run = take_any_run(info.units, random);
    if (!run.at) {
        give_metadata(c, metadata);
        return nullptr;
    }
    if (!run.zeroed && !discard_units(run.at, info.units)) memset(run.at, 0, info.units * kUnitSize);
    GuardedSlab* const slab = static_cast<GuardedSlab*>(record_at(run.at));
    for (size_t i = 0; i < info.units; ++i) {
        slab[i] = {};
        slab[i].behind = static_cast<uint8_t>(i);
    }
    slab->free_bits = static_cast<uint64_t*>(metadata);
    slab->words = reinterpret_cast<SlotWord*>(slab->free_bits + info.words());
    memset(metadata, 0, metadata_bytes_of(info));
    for (uint32_t i = 0; i < info.slots; ++i)
        slab->free_bits[i / 64] |= uint64_t{1} << i % 64;
    slab->slot_class = static_cast<uint8_t>(c);
    slab->shard = shard;
    slab->guarded = os::page_size() == os::kPageSize && os::guard(slab->begin(), guard_bytes(*slab));
    store.slabs += 1;
    store.unguarded += !slab->guarded;
    set_entries(unit_of(run.at), Units{info.units}, kHardenedEntry);
    return slab;
}

void dissolve(GuardedSlab& slab) {
    Guard guard(store.lock);
    const SlotInfo& info = slab.info();
    char* const at = slab.begin();
    store.slabs -= 1;
    store.unguarded -= !slab.guarded;
    if (slab.guarded && !os::unguard(at, guard_bytes(slab))) return;  // given up, address space alone
    const bool zeroed = discard_units(at, info.units);
    const SlotClass c = slab.slot_class;
    give_metadata(c, slab.free_bits);
    set_entries(unit_of(at), Units{info.units}, 0);
    memset(static_cast<void*>(&slab), 0, info.units * sizeof slab);
    for (size_t i = 0; i < info.units; ++i)
        remember(at + i * kUnitSize);  // a late free is one of an object that there was
    const OwnRun run{at, PackedUnits<uint32_t>{Units{info.units}}, zeroed};
    give_runs(&run, 1);
}

void give_ready() {
    if (store.lock.is_mine()) return;
    Guard guard(store.lock);
    for (size_t units = 1; units <= kUnitsMost; ++units) {
        Ready& ready = store.ready[units];
        while (ready.count > 0) {
            const Run& run = ready.runs[--ready.count];
            const OwnRun own{run.at, PackedUnits<uint32_t>{Units{units}}, run.zeroed};
            give_runs(&own, 1);
        }
    }
}

SlabCounts count_slabs() {
    return {store.slabs, store.unguarded};
}

void store_after_fork_child(bool others) {
    const bool mine = store.lock.is_mine();
    if (!mine) store.lock.reset();
    if (mine || !others) return;
    for (Ready& ready : store.ready)
        ready.count = 0;
    for (void*& list : store.free_metadata)
        list = nullptr;
    store.metadata = store.metadata_end = nullptr;
}

}  // namespace tarn::hardened
