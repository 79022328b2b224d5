// SPDX-License-Identifier: MIT
// The list of caches: who has one, and what becomes of it at the end of a thread and in the child of a fork.
#pragma once
#include <atomic>

#include "base/at_start.h"
#include "cache/thread_cache.h"
#include "os/lock.h"

namespace tarn {

// The cache of a thread that ended without a word and had this thread's pointer; else one that
// nobody has, or a new one; NULL when out of memory. It does not become current.
// Who opens one says so when it is current (cache_arrived): meanwhile a signal handler may fork.
ThreadCache* open_cache();
void cache_arrived();
// The first of these alone; NULL when there is none.
ThreadCache* stale_cache();
// Before a cache is closed, and is not current any more; likewise.
void cache_departs(ThreadCache& cache);
// Flushes the bins, gives the heap's slabs to the orphans and keeps the cache for another thread.
void close_cache(ThreadCache& cache);

// The cache of this heap, if it has one.
ThreadCache* cache_of(HeapId id);

// One that nobody has is at hand; it was used, and costs nothing more.
bool cache_at_hand();

// From now on sized delete may do what free does, without a look at the size: no program's own operator
// delete stands behind it. Called once, by the first thread; never in hardened mode.
TARN_AT_START void trust_sized_delete();

// Before a fork, so that nobody collects from the heap of this thread meanwhile; and after it, on both sides.
void hold_own_heap();
void let_go_own_heap();
// This thread is a signal handler over a cold end.
bool in_cold_end();
// In the child of a fork: the locks are free, whoever held them.
void caches_after_fork_child(Others others);

// Whether any thread but this one has, or had, a cache.
bool others_lived();

struct CacheCount {
    uint64_t living, ended;
};
CacheCount count_caches();

// Written with the lock held; for this folder.
struct Caches {
    Lock lock{LockRank::kCaches};
    bool sized_delete = false;    // see trust_sized_delete
    bool reading = false;         // who holds the lock changes nothing
    std::atomic<size_t> kept{0};  // of the ids of caches that nobody has, with their memory
    size_t wiped = 0;             // likewise, without
    uint64_t living = 0, ended = 0;
};
extern Caches caches;

// The lock, to sum up what caches count: a long walk, over which a signal handler may fork. The child then finds the lists
// whole, and the lock is not this thread's any more.
class [[nodiscard]] ReadingCaches {
  public:
    // kBounded: as a ReportGuard does.
    enum class Waits : bool { kNot, kBounded };
    explicit ReadingCaches(Waits waits);
    ~ReadingCaches();
    ReadingCaches(const ReadingCaches&) = delete;
    ReadingCaches& operator=(const ReadingCaches&) = delete;
    bool holds() const { return taken_ && caches.lock.is_mine(); }

  private:
    bool taken_;
};

}  // namespace tarn
