// SPDX-License-Identifier: MIT
// The one list of metrics. A new number is a member in tarn.h and one line here; all three reports follow, and what
// `tarn export` serves. Names are those of tarn.h and the keys of the JSON report; family.h makes the Prometheus ones.
#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "tarn/statistics.h"

namespace tarn {

enum class Kind : uint8_t { kCounter, kGauge };
enum class Unit : uint8_t { kCount, kBytes, kShare, kRatio };  // a share is 0..1, shown as per cent
// In the text report (the others show all). A ratio to next to nothing only puzzles.
enum class Show : uint8_t { kAlways, kUnlessZero, kFromOneMiBLive };

// The texts lie in the table itself: pointers would be relocated at the start of every process.
template <class Owner>
struct Metric {
    char name[28];
    Kind kind;
    Unit unit;
    uint64_t Owner::*count;  // exactly one of the two
    double Owner::*ratio;
    char help[72];  // one sentence, no full stop
    char line[12];  // text report: the line it stands in; a class's: the column, empty for none
    // Text report: what follows the value (precedes a ratio), empty to leave it out; a class's: "%" to
    // show the value as share of the allocations.
    char words[24];
    Show show = Show::kAlways;
};

using Total = Metric<tarn_stats>;
using PerClass = Metric<tarn_class_stats>;

// `reused` is no counter, though it mostly grows: it is allocations - fresh, and fresh runs ahead (tarn.h).
// In the order of the reports; the lines of the text report are runs of equal `line`. Its first one is an equation
// (text.cpp).
inline constexpr Total kTotals[] = {
    {"resident", Kind::kGauge, Unit::kBytes, &tarn_stats::resident, nullptr,
     "Memory of the process that is resident", "memory", ""},
    {"live_bytes", Kind::kGauge, Unit::kBytes, &tarn_stats::live_bytes, nullptr,
     "Usable bytes of all live objects", "memory", ""},
    {"kept_bytes", Kind::kGauge, Unit::kBytes, &tarn_stats::kept_bytes, nullptr,
     "Free memory that tarn keeps, and that is resident", "memory", ""},
    {"other_bytes", Kind::kGauge, Unit::kBytes, &tarn_stats::other_bytes, nullptr,
     "Resident memory that is neither live nor kept", "memory", ""},
    {"fragmentation_ratio", Kind::kGauge, Unit::kRatio, nullptr, &tarn_stats::fragmentation_ratio,
     "Resident memory divided by live bytes", "memory", "fragmentation ratio", Show::kFromOneMiBLive},

    {"peak_resident", Kind::kGauge, Unit::kBytes, &tarn_stats::peak_resident, nullptr,
     "Most memory of the process that was ever resident", "peak", "resident"},
    {"peak_live_bytes", Kind::kGauge, Unit::kBytes, &tarn_stats::peak_live_bytes, nullptr,
     "Most usable bytes that were ever live", "peak", "live"},
    {"small_peak_bytes", Kind::kGauge, Unit::kBytes, &tarn_stats::small_peak_bytes, nullptr,
     "Most bytes of small objects that were ever live", "peak", "small", Show::kUnlessZero},
    {"large_peak_bytes", Kind::kGauge, Unit::kBytes, &tarn_stats::large_peak_bytes, nullptr,
     "Most bytes of large blocks that were ever live", "peak", "large", Show::kUnlessZero},

    {"kept_in_bins", Kind::kGauge, Unit::kBytes, &tarn_stats::kept_in_bins, nullptr,
     "Of what is kept: free objects that threads have at hand", "kept", "in bins", Show::kUnlessZero},
    {"kept_in_slabs", Kind::kGauge, Unit::kBytes, &tarn_stats::kept_in_slabs, nullptr,
     "Of what is kept: free objects in slabs", "kept", "in slabs", Show::kUnlessZero},
    {"dirty", Kind::kGauge, Unit::kBytes, &tarn_stats::dirty, nullptr,
     "Of what is kept: free runs of pages, for new slabs", "kept", "in free runs", Show::kUnlessZero},
    {"backend_cached", Kind::kGauge, Unit::kBytes, &tarn_stats::backend_cached, nullptr,
     "Of what is kept: freed blocks, as the backend says", "kept", "in freed blocks", Show::kUnlessZero},

    {"allocations", Kind::kCounter, Unit::kCount, &tarn_stats::allocations, nullptr, "Objects handed out",
     "requests", "allocations"},
    {"frees", Kind::kCounter, Unit::kCount, &tarn_stats::frees, nullptr, "Objects given back", "requests",
     "frees"},
    {"live_objects", Kind::kGauge, Unit::kCount, &tarn_stats::live_objects, nullptr, "Objects in use",
     "requests", "live"},
    {"foreign_frees", Kind::kCounter, Unit::kCount, &tarn_stats::foreign_frees, nullptr,
     "Pointers of another allocator that were handed to libc", "requests", "foreign frees",
     Show::kUnlessZero},

    {"pool_share", Kind::kGauge, Unit::kShare, nullptr, &tarn_stats::pool_share,
     "Share of all allocations that size classes served", "pool", "of allocations"},
    {"pool_hit_rate", Kind::kGauge, Unit::kShare, nullptr, &tarn_stats::pool_hit_rate,
     "Share of small allocations served by reuse", "pool", "hit rate"},
    {"small_allocations", Kind::kCounter, Unit::kCount, &tarn_stats::small_allocations, nullptr,
     "Objects handed out by size classes", "pool", ""},
    {"small_frees", Kind::kCounter, Unit::kCount, &tarn_stats::small_frees, nullptr,
     "Objects given back to size classes", "pool", ""},
    {"reused", Kind::kGauge, Unit::kCount, &tarn_stats::reused, nullptr,
     "Small allocations that got an object freed before", "pool", "reused"},
    {"fresh", Kind::kCounter, Unit::kCount, &tarn_stats::fresh, nullptr,
     "Small allocations from memory not used since its slab was made", "pool", "fresh"},
    {"small_live_bytes", Kind::kGauge, Unit::kBytes, &tarn_stats::small_live_bytes, nullptr,
     "Bytes of live small objects", "pool", ""},
    {"slabs", Kind::kGauge, Unit::kCount, &tarn_stats::slabs, nullptr, "Slabs that hold small objects",
     "pool", ""},

    {"large_allocations", Kind::kCounter, Unit::kCount, &tarn_stats::large_allocations, nullptr,
     "Large blocks handed out", "large", "allocations"},
    {"large_frees", Kind::kCounter, Unit::kCount, &tarn_stats::large_frees, nullptr,
     "Large blocks given back", "large", "frees", Show::kUnlessZero},
    {"large_live_objects", Kind::kGauge, Unit::kCount, &tarn_stats::large_live_objects, nullptr,
     "Large blocks in use", "large", "live blocks", Show::kUnlessZero},
    {"large_live_bytes", Kind::kGauge, Unit::kBytes, &tarn_stats::large_live_bytes, nullptr,
     "Bytes of live large blocks", "large", "live", Show::kUnlessZero},
    {"large_grown_in_place", Kind::kCounter, Unit::kCount, &tarn_stats::large_grown_in_place, nullptr,
     "Large blocks resized without a copy", "large", "grown in place", Show::kUnlessZero},
    {"backend_committed", Kind::kGauge, Unit::kBytes, &tarn_stats::backend_committed, nullptr,
     "Address space that the backend may touch, as it says", "large", "committed", Show::kUnlessZero},

    {"threads", Kind::kGauge, Unit::kCount, &tarn_stats::threads, nullptr,
     "Heaps that belong to a living thread", "threads", "with a heap"},
    {"threads_ended", Kind::kCounter, Unit::kCount, &tarn_stats::threads_ended, nullptr,
     "Heaps given up by threads that ended", "threads", "ended", Show::kUnlessZero},
    {"remote_frees", Kind::kCounter, Unit::kCount, &tarn_stats::remote_frees, nullptr,
     "Small objects freed by another thread than the owner", "threads", "remote frees", Show::kUnlessZero},
    {"orphan_slabs", Kind::kGauge, Unit::kCount, &tarn_stats::orphan_slabs, nullptr,
     "Slabs that no thread has and that hold live objects", "threads", "slabs of no thread",
     Show::kUnlessZero},

    {"arenas", Kind::kGauge, Unit::kCount, &tarn_stats::arenas, nullptr,
     "Arenas of the explicit interface, idle ones of arena pools included", "arenas", "in use",
     Show::kUnlessZero},
    {"arenas_made", Kind::kCounter, Unit::kCount, &tarn_stats::arenas_made, nullptr, "Arenas made so far",
     "arenas", "made", Show::kUnlessZero},
    {"arena_bytes", Kind::kGauge, Unit::kBytes, &tarn_stats::arena_bytes, nullptr, "Memory that arenas hold",
     "arenas", "held", Show::kUnlessZero},
    {"arena_bytes_taken", Kind::kCounter, Unit::kBytes, &tarn_stats::arena_bytes_taken, nullptr,
     "Memory that arenas took so far", "arenas", "taken in all", Show::kUnlessZero},

    {"object_pools", Kind::kGauge, Unit::kCount, &tarn_stats::object_pools, nullptr,
     "Pools of the explicit interface", "obj pools", "in use", Show::kUnlessZero},
    {"object_pools_made", Kind::kCounter, Unit::kCount, &tarn_stats::object_pools_made, nullptr,
     "Object pools made so far", "obj pools", "made", Show::kUnlessZero},
    {"object_pool_allocations", Kind::kCounter, Unit::kCount, &tarn_stats::object_pool_allocations, nullptr,
     "Objects handed out by object pools", "obj pools", "allocations", Show::kUnlessZero},
    {"object_pool_hit_rate", Kind::kGauge, Unit::kShare, nullptr, &tarn_stats::object_pool_hit_rate,
     "Share of their allocations served by reuse", "obj pools", "hit rate", Show::kUnlessZero},
    {"object_pool_fresh", Kind::kCounter, Unit::kCount, &tarn_stats::object_pool_fresh, nullptr,
     "Allocations of object pools from memory not used before", "obj pools", "fresh", Show::kUnlessZero},
    {"object_pool_live_objects", Kind::kGauge, Unit::kCount, &tarn_stats::object_pool_live_objects, nullptr,
     "Objects of object pools in use", "obj pools", "live", Show::kUnlessZero},
    {"object_pool_bytes", Kind::kGauge, Unit::kBytes, &tarn_stats::object_pool_bytes, nullptr,
     "Memory that object pools hold for objects", "obj pools", "held", Show::kUnlessZero},

    {"interners", Kind::kGauge, Unit::kCount, &tarn_stats::interners, nullptr, "Tables of interned strings",
     "interners", "in use", Show::kUnlessZero},
    {"interners_made", Kind::kCounter, Unit::kCount, &tarn_stats::interners_made, nullptr,
     "Tables of interned strings made so far", "interners", "made", Show::kUnlessZero},
    {"interned_strings", Kind::kGauge, Unit::kCount, &tarn_stats::interned_strings, nullptr,
     "Strings in all of them", "interners", "strings", Show::kUnlessZero},
    {"intern_requests", Kind::kCounter, Unit::kCount, &tarn_stats::intern_requests, nullptr,
     "Strings that were looked for in them, found or not", "interners", "requests", Show::kUnlessZero},
    {"interner_bytes", Kind::kGauge, Unit::kBytes, &tarn_stats::interner_bytes, nullptr,
     "Memory that they and their strings hold", "interners", "held", Show::kUnlessZero},

    {"user_heaps", Kind::kGauge, Unit::kCount, &tarn_stats::user_heaps, nullptr,
     "Heaps of the explicit interface", "heaps", "in use", Show::kUnlessZero},
    {"user_heaps_made", Kind::kCounter, Unit::kCount, &tarn_stats::user_heaps_made, nullptr,
     "Heaps of the explicit interface made so far", "heaps", "made", Show::kUnlessZero},
    {"user_heap_allocations", Kind::kCounter, Unit::kCount, &tarn_stats::user_heap_allocations, nullptr,
     "Objects handed out by heaps of the explicit interface", "heaps", "allocations", Show::kUnlessZero},
    {"user_heap_live_objects", Kind::kGauge, Unit::kCount, &tarn_stats::user_heap_live_objects, nullptr,
     "Objects of these heaps in use", "heaps", "live", Show::kUnlessZero},
    {"user_heap_live_bytes", Kind::kGauge, Unit::kBytes, &tarn_stats::user_heap_live_bytes, nullptr,
     "Usable bytes of these objects", "heaps", "in them", Show::kUnlessZero},
    {"user_heap_bytes", Kind::kGauge, Unit::kBytes, &tarn_stats::user_heap_bytes, nullptr,
     "Memory that they hold", "heaps", "held", Show::kUnlessZero},

    {"guarded_allocations", Kind::kCounter, Unit::kCount, &tarn_stats::guarded_allocations, nullptr,
     "Small objects that were put beside a guard page", "guarded", "allocations", Show::kUnlessZero},
    {"guarded_live", Kind::kGauge, Unit::kCount, &tarn_stats::guarded_live, nullptr, "Such objects in use",
     "guarded", "in use", Show::kUnlessZero},
    {"guard_faults", Kind::kCounter, Unit::kCount, &tarn_stats::guard_faults, nullptr,
     "Accesses and frees that these were found by to be wrong", "guarded", "faults", Show::kUnlessZero},
    {"hardened_checks", Kind::kCounter, Unit::kCount, &tarn_stats::hardened_checks, nullptr,
     "Objects that the hardened mode looked at", "hardened", "checks", Show::kUnlessZero},
    {"quarantine_bytes", Kind::kGauge, Unit::kBytes, &tarn_stats::quarantine_bytes, nullptr,
     "Small objects that were freed and wait for reuse in the hardened mode", "hardened", "in quarantine",
     Show::kUnlessZero},

    {"reserved", Kind::kGauge, Unit::kBytes, &tarn_stats::reserved, nullptr,
     "Address space reserved for small objects", "region", "reserved"},
    {"committed", Kind::kGauge, Unit::kBytes, &tarn_stats::committed, nullptr,
     "Reserved address space that is readable and writable", "region", "committed"},
    {"in_use", Kind::kGauge, Unit::kBytes, &tarn_stats::in_use, nullptr,
     "Committed memory in slabs and other runs", "region", "in use"},
    {"returned", Kind::kCounter, Unit::kBytes, &tarn_stats::returned, nullptr,
     "Memory given back to the operating system", "region", "returned", Show::kUnlessZero},
};

inline constexpr PerClass kPerClass[] = {
    {"object_size", Kind::kGauge, Unit::kCount, &tarn_class_stats::object_size, nullptr,
     "Bytes of one object of the size class", "size", ""},
    {"allocations", Kind::kCounter, Unit::kCount, &tarn_class_stats::allocations, nullptr,
     "Objects of the size class handed out", "allocations", ""},
    {"frees", Kind::kCounter, Unit::kCount, &tarn_class_stats::frees, nullptr,
     "Objects of the size class given back", "frees", ""},
    {"live_objects", Kind::kGauge, Unit::kCount, &tarn_class_stats::live_objects, nullptr,
     "Objects of the size class in use", "live", ""},
    {"live_bytes", Kind::kGauge, Unit::kBytes, &tarn_class_stats::live_bytes, nullptr,
     "Bytes of live objects of the size class", "live bytes", ""},
    {"fresh", Kind::kCounter, Unit::kCount, &tarn_class_stats::fresh, nullptr,
     "Allocations from memory not used since its slab was made", "", ""},
    {"reused", Kind::kGauge, Unit::kCount, &tarn_class_stats::reused, nullptr,
     "Allocations that got an object of the size class freed before", "reused", "%"},
    {"remote_frees", Kind::kCounter, Unit::kCount, &tarn_class_stats::remote_frees, nullptr,
     "Objects of the size class freed by another thread than the owner", "remote", ""},
    {"slabs", Kind::kGauge, Unit::kCount, &tarn_class_stats::slabs, nullptr, "Slabs of the size class",
     "slabs", ""},
    {"slab_bytes", Kind::kGauge, Unit::kBytes, &tarn_class_stats::slab_bytes, nullptr,
     "Address space of the slabs of the size class", "slab bytes", ""},
};

// Every member is in the list: what is not a metric is `version`, `classes` and `backend`.
static_assert(sizeof(tarn_stats) == 2 * sizeof(uint32_t) + std::size(kTotals) * sizeof(uint64_t) +
                                        sizeof(tarn_stats::backend) + sizeof(tarn_stats::class_stats));
static_assert(sizeof(tarn_class_stats) == std::size(kPerClass) * sizeof(uint64_t));

inline bool is_zero(const Total& metric, const tarn_stats& stats) {
    return metric.ratio ? !(stats.*metric.ratio > 0) : stats.*metric.count == 0;
}

inline bool is_shown(const Total& metric, const tarn_stats& stats) {
    constexpr uint64_t kMiB = uint64_t{1} << 20;
    switch (metric.show) {
        case Show::kAlways:
            return *metric.words != 0;
        case Show::kUnlessZero:
            return !is_zero(metric, stats);
        case Show::kFromOneMiBLive:
            return stats.live_bytes >= kMiB;
    }
    return true;
}

// Only these are worth a row: a class that has a slab has served somebody.
inline bool was_used(const tarn_class_stats& size_class) {
    return size_class.allocations != 0 || size_class.slabs != 0;
}

// So much that a person should see its row: more than a tenth of the memory that is resident, or, where that is not known,
// of what is live.
inline bool fills_memory(const tarn_class_stats& size_class, const tarn_stats& stats) {
    return size_class.slab_bytes > (stats.resident ? stats.resident : stats.live_bytes) / 10;
}

// Ratios as the machine-readable reports write them: never NaN, infinite or negative.
inline constexpr int kRatioDecimals = 6;
inline double presentable(double ratio) {
    constexpr double kMost = 1e9;
    return ratio > 0 ? (ratio < kMost ? ratio : kMost) : 0;
}

}  // namespace tarn
