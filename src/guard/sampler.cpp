// SPDX-License-Identifier: MIT
#include "guard/sampler.h"

#include <new>

#include "cache/thread_cache.h"
#include "guard/countdown.h"
#include "guard/handler.h"
#include "guard/pool.h"
#include "guard/report.h"
#include "os/os.h"
#include "os/shared_file.h"
#include "profile/stack.h"
#include "record/made.h"
#include "record/record.h"
#include "seam/guard_counts.h"
#include "seam/host.h"

namespace tarn::guard {

namespace {

// A thread's. It stays with its cache.
struct Sampler {
    Observer watch, each;  // at cold ends; of each allocation
    Countdown countdown;
    ThisThread thread;
    bool busy;  // what happens now, it does itself
    uint32_t cold_ends, samples;
    uint64_t turn_began;        // ns
    uint32_t passed[kClasses];  // allocations of the class that were counted, modulo 2^32
};

constinit std::atomic<Sampler*> samplers{nullptr};  // one for each heap there may be
constinit std::atomic<bool> opened{false};
constinit std::atomic<uint64_t> seeds{0};

const Host& host() {
    return *record::state.host;
}

Sampler& sampler_with(Observer& watch) {
    return *reinterpret_cast<Sampler*>(&watch);
}
Sampler& sampler_of_each(Observer& each) {
    return *reinterpret_cast<Sampler*>(&each - 1);
}

Sampler* sampler_of(ThreadCache& cache) {
    Observer* const watch = host().observer_of(cache, ObserverSlot::kGuardWatch);
    return watch ? &sampler_with(*watch) : nullptr;
}

uint32_t allocations_of(const ThreadCache& cache, SizeClass c) {
    return static_cast<uint32_t>(cache.tops[c].pops_top >> 16);
}

bool is_small(SizeClass c) {
    return kSizeClasses[c].size <= kSizeMost;
}

// Allocations since it was asked last.
int64_t gone_by(Sampler& sampler, const ThreadCache& cache) {
    int64_t sum = 0;
    for (SizeClass c = 0; is_small(c); ++c) {
        const uint32_t now = allocations_of(cache, c);
        sum += static_cast<int32_t>(now - sampler.passed[c]);
        sampler.passed[c] = now;
    }
    return sum > 0 ? sum : 0;
}

bool sees_each(const ThreadCache& cache) {
    return cache.observing & observer_bit(ObserverSlot::kGuard);
}
void see_each(ThreadCache& cache) {
    host().attach(cache, ObserverSlot::kGuard);
}

// Those that count down by themselves go by, to the one before the next sample.
void let_pass(Sampler& sampler, ThreadCache& cache) {
    host().detach(cache, ObserverSlot::kGuard);
    cache.until_guard = sampler.countdown.others();
}

// Those that do not count down have gone by as well; where there are such, the next sample is not left to the others.
void look_on(Sampler& sampler, ThreadCache& cache) {
    const int64_t gone = gone_by(sampler, cache), counted = sampler.countdown.others() - cache.until_guard;
    sampler.countdown.skip(gone);
    if (sampler.countdown.is_next() || (gone > counted && sampler.countdown.is_near()))
        return see_each(cache);
    cache.until_guard = sampler.countdown.others();
}

void look_on_at_times(Observer& watch, ThreadCache& cache) {
    constexpr uint32_t kEvery = 8;
    Sampler& sampler = sampler_with(watch);
    if (!sees_each(cache) && ++sampler.cold_ends % kEvery == 0) look_on(sampler, cache);
}

void refilled(Observer& watch, ThreadCache& cache, SizeClass, Popped&) {
    look_on_at_times(watch, cache);
}
void drained(Observer& watch, ThreadCache& cache, SizeClass) {
    look_on_at_times(watch, cache);
}
// Where another observer is told of it.
void told(Observer& watch, ThreadCache& cache, SizeClass, Popped&) {
    if (!sees_each(cache)) look_on(sampler_with(watch), cache);
}

void due(ThreadCache& cache) {
    Sampler* const sampler = sampler_of(cache);
    if (!sampler) {
        cache.until_guard = INT32_MAX;
        return;
    }
    look_on(*sampler, cache);
}

// Samples of a thread, after which it looks at what may have changed.
constexpr uint32_t kTurn = 16;
constexpr uint64_t kTurnLeast = 64'000'000;  // ns; a sample is some 16 us, so that is a 250th of the time

// A thread that allocates very much takes fewer samples of it.
void bound_rate(Sampler& sampler) {
    const uint64_t now = os::coarse_nanoseconds(), passed = now - sampler.turn_began;
    sampler.turn_began = now;
    const uint64_t interval = sampler.countdown.interval(), least = host().options->guard;
    if (passed < kTurnLeast && interval < least << 20) sampler.countdown.set_interval(2 * interval);
    if (passed > 4 * kTurnLeast && interval > least) sampler.countdown.set_interval(interval / 2);
}

void begin_turn(Sampler& sampler) {
    if (!host().confined_itself()) look_after_handler();
    if (host().options->guard_bounded) bound_rate(sampler);
}

[[gnu::cold, gnu::noinline]] void guard_object(Sampler& sampler, ThreadCache& cache, SizeClass c,
                                               Popped& popped) {
    if (++sampler.samples % kTurn == 0) begin_turn(sampler);
    const size_t size = popped.size ? popped.size : kSizeClasses[c].size;
    Slot* const slot = take(size, popped.alignment, sampler.countdown.coin() ? Side::kEnd : Side::kBegin);
    if (!slot) return;
    slot->size_class = c;
    trace_here(slot->allocated);
    slot->freed.thread = 0;
    slot->freed.depth = 0;
    host().put_guarded(cache, c, popped.object);
    popped.object = reinterpret_cast<Object*>(slot->begin);
    popped.zeroed = false;
    popped.replaced = true;
    hand_out(*slot);
    host().guard_counts->samples.fetch_add(1, std::memory_order_relaxed);
    host().guard_counts->live.fetch_add(1, std::memory_order_relaxed);
}

void popped(Observer& observer, ThreadCache& cache, SizeClass c, Popped& popped) {
    Sampler& sampler = sampler_of_each(observer);
    if (sampler.busy || !is_small(c) || popped.alignment > os::kPageSize) return;
    sampler.busy = true;
    sampler.passed[c] = allocations_of(cache, c);
    // One that the profiler has put elsewhere stays there.
    if (sampler.countdown.counts() && !popped.replaced) guard_object(sampler, cache, c, popped);
    if (!sampler.countdown.is_near()) let_pass(sampler, cache);
    sampler.busy = false;
}

void forget_watch(Observer& watch, ThreadCache&) {
    sampler_with(watch).thread = {};
    sampler_with(watch).busy = false;
}
void forget_each(Observer&, ThreadCache&) {}

constexpr Observer::Calls kWatch = {
    .refilled = refilled, .popped = told, .drained = drained, .forget = forget_watch};
constexpr Observer::Calls kEach = {.refilled = popped, .popped = popped, .forget = forget_each};

uint64_t fresh_seed() {
    return os::random() ^ seeds.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed);
}

void arrived(ThreadCache& cache) {
    if (!opened.load(std::memory_order_acquire)) return;
    Sampler* sampler = sampler_of(cache);
    if (!sampler) {
        Sampler* const all = record::made(samplers, kHeapsMax);
        if (!all) return;
        sampler = new (all + cache.heap.id()) Sampler{};
        sampler->watch.calls = &kWatch;
        sampler->each.calls = &kEach;
        sampler->each.every_object = true;
        host().keep_observer(cache, ObserverSlot::kGuardWatch, sampler->watch);
        host().keep_observer(cache, ObserverSlot::kGuard, sampler->each);
    }
    sampler->countdown.begin(host().options->guard, fresh_seed());
    sampler->turn_began = os::coarse_nanoseconds();
    (void)gone_by(*sampler, cache);
    host().attach(cache, ObserverSlot::kGuardWatch);
    let_pass(*sampler, cache);
    if (sampler->countdown.is_near()) see_each(cache);
}

void begin() {
    const Options& options = *host().options;
    if (options.guard == 0 || !open_pool(options.guard_slots)) return;
    profile::prepare_stacks(reinterpret_cast<uintptr_t>(host().unpop));
    prepare_report();
    install_handler(host().hook_calls);
    opened.store(true, std::memory_order_release);
}

void after_fork_child() {
    if (!opened.load(std::memory_order_relaxed)) return;
    profile::leave_rooms();
    if (ThisThread* const self = this_thread()) self->id = 0;
    handler_after_fork_child();
    report_after_fork_child();
}

// A thread's first objects come without a cache, and so without an observer; among very many they do not count.
bool sees_all() {
    return opened.load(std::memory_order_relaxed) &&
           host().options->guard <= static_cast<size_t>(Countdown::kNear);
}

void objects_changed() {
    if (opened.load(std::memory_order_relaxed)) hook_new_objects();
}

Recorder::GuardedFree free_guarded(void* pointer) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(pointer);
    if (!in_pool(address)) return {false, 0};
    const Place place = place_of(address);
    if (!place.begins || place.state != State::kLive || !begin_free(*place.slot))
        die_of_misuse(address, place, Misuse::kFree);
    Slot& slot = *place.slot;
    const uint32_t size_class = slot.size_class;
    trace_here(slot.freed);
    if (const uintptr_t at = written_beside(slot)) [[unlikely]]
        report_written(at, place);
    end_free(slot);
    host().guard_counts->live.fetch_sub(1, std::memory_order_relaxed);
    return {true, size_class};
}

size_t size_of(const void* pointer) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(pointer);
    if (!in_pool(address)) return 0;
    const Place place = place_of(address);
    if (!place.begins || place.state != State::kLive) die_of_misuse(address, place, Misuse::kOther);
    return place.slot->usable;
}

constexpr record::Guarding kTable = {.begin = begin,
                                     .arrived = arrived,
                                     .after_fork_child = after_fork_child,
                                     .objects_changed = objects_changed,
                                     .free = free_guarded,
                                     .size = size_of,
                                     .sees_all = sees_all,
                                     .due = due};

}  // namespace

const record::Guarding& guarding_table() {
    return kTable;
}

ThisThread* this_thread() {
    ThreadCache* const cache = host().own_cache();
    Sampler* const sampler = cache ? sampler_of(*cache) : nullptr;
    return sampler ? &sampler->thread : nullptr;
}

}  // namespace tarn::guard
