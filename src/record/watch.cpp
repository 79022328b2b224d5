// SPDX-License-Identifier: MIT
#include "record/watch.h"

#include "cache/thread_cache.h"
#include "os/os.h"
#include "os/shared_file.h"
#include "record/events.h"
#include "record/guarding.h"
#include "record/made.h"
#include "record/publish.h"
#include "record/record.h"
#include "record/sampler.h"
#include "record/writing.h"

namespace tarn::record {

namespace {

constexpr uint64_t kLookEvery = uint64_t{64} << 10;  // bytes at cold ends

struct Watcher : Observer {
    uint64_t taken;  // since the last look
    uint32_t news;   // that it has heard
};

constinit uint64_t no_requests = 0;
constinit std::atomic<uint64_t*> requests{&no_requests};
constinit std::atomic<uint32_t> news{0};

constinit std::atomic<const Sampler*> joined{nullptr};
constexpr uint64_t kPublishWait = 20'000'000;  // ns

// One for each heap there may be; memory for those that there are.
constinit std::atomic<Watcher*> watchers{nullptr};

Watcher* watcher_of(HeapId heap) {
    Watcher* const all = made(watchers, kHeapsMax);
    return all ? all + heap : nullptr;
}

uint64_t pending() {
    return __atomic_load_n(requests.load(std::memory_order_relaxed), __ATOMIC_RELAXED);
}

void begin_when_free() {
    // A handler forked over what this process's one thread writes: it goes on with the parent's, and then begins.
    if (interrupted_writer.load(std::memory_order_relaxed)) return;
    if (state.lock.is_mine() || !state.lock.try_lock()) return;
    if (state.life.load(std::memory_order_relaxed) == Life::kForked) begin_in_child();
    state.lock.unlock();
}

void sample_as_asked() {
    const uint64_t wanted = __atomic_load_n(&state.header->request_interval, __ATOMIC_RELAXED);
    if (sampler()) sampler()->start(wanted ? wanted : kIntervalDefault);
}

// What was asked for before the bits are cleared is done once, after it. To trim takes more stack than a signal handler may
// have: that is left to the next cold end on another one.
void obey() {
    if (!writes_here()) return;
    uint64_t asked = __atomic_exchange_n(&state.header->requests, 0, __ATOMIC_ACQ_REL);
    if (asked & TARN_RECORD_REQUEST_TRIM && os::on_alternate_stack()) {
        __atomic_fetch_or(&state.header->requests, TARN_RECORD_REQUEST_TRIM, __ATOMIC_RELAXED);
        asked &= ~uint64_t{TARN_RECORD_REQUEST_TRIM};
    }
    if (!asked) return;
    if (asked & TARN_RECORD_REQUEST_START) sample_as_asked();
    if (asked & TARN_RECORD_REQUEST_STOP && sampler()) sampler()->stop();
    if (asked & TARN_RECORD_REQUEST_TRIM) event(TARN_RECORD_EVENT_TRIM, state.host->trim(), 1);
    if (asked & TARN_RECORD_REQUEST_PUBLISH) {
        publish_now();
        event(TARN_RECORD_EVENT_SNAPSHOT, 0, 1);
    }
    __atomic_fetch_add(&state.header->requests_obeyed,
                       static_cast<uint64_t>(__builtin_popcountll(asked & 15)), __ATOMIC_RELAXED);
}

[[gnu::cold, gnu::noinline]] void look(Watcher& watcher, ThreadCache& cache) {
    watcher.taken = 0;
    if (const uint32_t now = news.load(std::memory_order_acquire); watcher.news != now) {
        watcher.news = now;
        if (sampler()) sampler()->news(cache);
    }
    const Life life = state.life.load(std::memory_order_acquire);
    if (life == Life::kForked) return begin_when_free();
    if (life != Life::kBegun) return;
    if (pending()) obey();
    if (!is_due(os::coarse_nanoseconds())) return;
    if (!state.lock.is_mine() && state.lock.try_lock()) {
        if (writes_here()) publish(Why::kDue);
        state.lock.unlock();
    }
}

[[gnu::always_inline]] inline void note(Observer& observer, ThreadCache& cache, uint64_t bytes) {
    Watcher& watcher = static_cast<Watcher&>(observer);
    watcher.taken += bytes;
    if (watcher.taken >= kLookEvery || watcher.news != news.load(std::memory_order_relaxed) || pending())
        [[unlikely]]
        look(watcher, cache);
}

void refilled(Observer& observer, ThreadCache& cache, SizeClass c, Popped&) {
    note(observer, cache, (objects_in(cache.bins[c]) + 1) * kSizeClasses[c].size);
}

void drained(Observer& observer, ThreadCache& cache, SizeClass c) {
    note(observer, cache, kSizeClasses[c].bin_limit * kSizeClasses[c].size);
}

// A block is more work than its share of bytes when it is small, and less when it is large.
void changed(Observer& observer, ThreadCache& cache, const BlockChange& change) {
    constexpr uint64_t kLeast = kLookEvery / 32, kShare = 64;
    const uint64_t share = change.bytes_allocated / kShare;
    note(observer, cache, share > kLeast ? share : kLeast);
}

// Who samples is to know of a block that was sampled before this thread has heard of sampling.
void leaves(Observer& observer, ThreadCache& cache, const void*) {
    Watcher& watcher = static_cast<Watcher&>(observer);
    if (watcher.news != news.load(std::memory_order_relaxed)) [[unlikely]]
        look(watcher, cache);
}

void forget(Observer& observer, ThreadCache&) {
    static_cast<Watcher&>(observer).taken = 0;
}

constexpr Observer::Calls kCalls = {
    .refilled = refilled, .drained = drained, .leaves = leaves, .changed = changed, .forget = forget};

}  // namespace

void watch_thread(ThreadCache& cache) {
    const Life life = state.life.load(std::memory_order_acquire);
    if (life != Life::kBegun && life != Life::kForked) return;
    const Host& host = *state.host;
    auto* watcher = static_cast<Watcher*>(host.observer_of(cache, ObserverSlot::kRecord));
    if (!watcher) {
        watcher = watcher_of(cache.heap.id());
        if (!watcher) return;
        watcher->calls = &kCalls;
        watcher->every_object = false;
        watcher->taken = 0;
        host.keep_observer(cache, ObserverSlot::kRecord, *watcher);
    }
    watcher->news = news.load(std::memory_order_acquire);
    host.attach(cache, ObserverSlot::kRecord);
    if (sampler()) sampler()->news(cache);
}

void watch_requests(tarn_record_header* header) {
    requests.store(header ? &header->requests : &no_requests, std::memory_order_release);
}

bool publish_now() {
    if (!ensure_begun() || state.lock.is_mine() || !state.lock.lock_within(kPublishWait)) return false;
    const bool done = writes_here() && publish(Why::kAsked);
    state.lock.unlock();
    return done;
}

bool ensure_begun() {
    if (state.life.load(std::memory_order_acquire) == Life::kForked) begin_when_free();
    return writes_here();
}

void join_sampler(const Sampler& sampler) {
    joined.store(&sampler, std::memory_order_release);
}

const Sampler* sampler() {
    return joined.load(std::memory_order_acquire);
}

namespace {
constinit std::atomic<const Guarding*> guard{nullptr};
}

void join_guarding(const Guarding& guarding) {
    guard.store(&guarding, std::memory_order_release);
}

const Guarding* guarding() {
    return guard.load(std::memory_order_acquire);
}

void tell_all_threads() {
    news.fetch_add(1, std::memory_order_release);
}

}  // namespace tarn::record
