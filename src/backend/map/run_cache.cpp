// SPDX-License-Identifier: MIT
#include "backend/map/run_cache.h"

#include <atomic>
#include <cstdint>

#include "os/thread_pointer.h"
#include "pages/runs.h"

namespace tarn::map {

namespace {

// A run's address and, below it, its units; 0: empty.
using Place = std::atomic<uintptr_t>;
static_assert(kUnitsMost.count() < kUnitSize);

constexpr size_t kShelves = 8;
constexpr size_t kPlaces = 7;

struct alignas(64) Shelf {
    Place places[kPlaces];
    std::atomic<uint32_t> next;  // whose turn it is to go
};
static_assert(sizeof(Shelf) == 64);
constinit Shelf shelves[kShelves] = {};

// Thread control blocks lie whole stacks apart, and the kernel places these at random but in a row.
Shelf& own_shelf() {
    constexpr uint64_t kGolden = 0x9e3779b97f4a7c15;  // Knuth's multiplicative hashing
    constexpr int kBits = 3;
    static_assert(kShelves == 1 << kBits);
    return shelves[(thread_pointer() * kGolden) >> (64 - kBits)];
}

Units units_of(uintptr_t word) {
    return Units{word % kUnitSize};
}

void give_back(uintptr_t word) {
    give_run(reinterpret_cast<void*>(word - units_of(word).count()), units_of(word));
}

}  // namespace

void* take_run_at_hand(Units length) {
    for (Place& place : own_shelf().places) {
        uintptr_t word = place.load(std::memory_order_relaxed);
        if (units_of(word) != length) continue;
        if (place.compare_exchange_strong(word, 0, std::memory_order_acquire, std::memory_order_relaxed))
            return reinterpret_cast<void*>(word - length.count());
    }
    return nullptr;
}

void give_run_at_hand(void* at, Units length) {
    if (length > kUnitsMost) return give_run(at, length);
    const uintptr_t word = reinterpret_cast<uintptr_t>(at) + length.count();
    Shelf& shelf = own_shelf();
    for (Place& place : shelf.places) {
        uintptr_t empty = 0;
        if (place.load(std::memory_order_relaxed) == 0 &&
            place.compare_exchange_strong(empty, word, std::memory_order_release, std::memory_order_relaxed))
            return;
    }
    Place& turn = shelf.places[shelf.next.fetch_add(1, std::memory_order_relaxed) % kPlaces];
    if (const uintptr_t old = turn.exchange(word, std::memory_order_acq_rel)) give_back(old);
}

size_t trim_runs_at_hand() {
    Units units;
    for (Shelf& shelf : shelves)
        for (Place& place : shelf.places) {
            if (place.load(std::memory_order_relaxed) == 0) continue;
            const uintptr_t word = place.exchange(0, std::memory_order_acquire);
            if (!word) continue;
            units += units_of(word);
            give_back(word);
        }
    return units.bytes();
}

size_t bytes_at_hand() {
    Units units;
    for (const Shelf& shelf : shelves)
        for (const Place& place : shelf.places)
            units += units_of(place.load(std::memory_order_relaxed));
    return units.bytes();
}

void forget_runs_at_hand() {
    for (Shelf& shelf : shelves)
        for (Place& place : shelf.places)
            place.store(0, std::memory_order_relaxed);
}

}  // namespace tarn::map
