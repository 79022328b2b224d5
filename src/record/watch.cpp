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

constexpr int64_t kLookEvery = int64_t{64} << 10;  // bytes at cold ends

constinit const uint64_t no_requests = 0;

constinit std::atomic<const Sampler*> joined{nullptr};
constexpr uint64_t kPublishWait = 20'000'000;  // ns

// One for each heap there may be; memory for those that there are.
constinit std::atomic<Observer*> watchers{nullptr};

Observer* watcher_of(HeapId heap) {
    Observer* const all = made(watchers, kHeapsMax);
    return all ? all + heap : nullptr;
}

// The library's: the module has another one of its own.
RecordCalls& calls() {
    return *state.host->record_calls;
}
uint32_t news() {
    return calls().news.load(std::memory_order_acquire);
}
uint64_t pending() {
    return __atomic_load_n(calls().requests.load(std::memory_order_relaxed), __ATOMIC_RELAXED);
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

[[gnu::cold, gnu::noinline]] void look(ThreadCache& cache) {
    cache.until_look = kLookEvery;
    if (const uint32_t now = news(); cache.news_heard != now) {
        cache.news_heard = now;
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

// What passes_record() has not let pass.
[[gnu::always_inline]] inline void note(ThreadCache& cache, size_t bytes) {
    cache.until_look -= static_cast<int64_t>(bytes);
    if (cache.until_look <= 0 || cache.news_heard != news() || pending()) [[unlikely]]
        look(cache);
}

void refilled(Observer&, ThreadCache& cache, SizeClass, Popped&) {
    note(cache, kWorkOfBin);
}

void drained(Observer&, ThreadCache& cache, SizeClass) {
    note(cache, kWorkOfBin);
}

void changed(Observer&, ThreadCache& cache, const BlockChange& change) {
    note(cache, work_of_block(change.bytes_allocated));
}

// Who samples is to know of a block that was sampled before this thread has heard of sampling.
void leaves(Observer&, ThreadCache& cache, const void*) {
    if (cache.news_heard != news()) [[unlikely]]
        look(cache);
}

void forget(Observer&, ThreadCache& cache) {
    cache.until_look = kLookEvery;
}

constexpr Observer::Calls kCalls = {
    .refilled = refilled, .drained = drained, .leaves = leaves, .changed = changed, .forget = forget};

}  // namespace

void watch_thread(ThreadCache& cache) {
    const Life life = state.life.load(std::memory_order_acquire);
    if (life != Life::kBegun && life != Life::kForked) return;
    const Host& host = *state.host;
    if (!host.observer_of(cache, ObserverSlot::kRecord)) {
        Observer* const watcher = watcher_of(cache.heap.id());
        if (!watcher) return;
        watcher->calls = &kCalls;
        watcher->every_object = false;
        cache.until_look = kLookEvery;
        host.keep_observer(cache, ObserverSlot::kRecord, *watcher);
    }
    cache.news_heard = news();
    host.attach(cache, ObserverSlot::kRecord);
    if (sampler()) sampler()->news(cache);
}

void watch_requests(tarn_record_header* header) {
    calls().requests.store(header ? &header->requests : &no_requests, std::memory_order_release);
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
    calls().news.fetch_add(1, std::memory_order_release);
}

}  // namespace tarn::record
