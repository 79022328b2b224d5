// SPDX-License-Identifier: MIT
#include "profile/sampler.h"

#include <new>

#include "cache/thread_cache.h"
#include "mixed/mixed.h"
#include "os/os.h"
#include "os/shared_file.h"
#include "profile/books.h"
#include "profile/names.h"
#include "profile/probes.h"
#include "profile/scopes.h"
#include "profile/script.h"
#include "profile/stack.h"
#include "record/events.h"
#include "record/made.h"
#include "record/record.h"
#include "record/writing.h"
#include "seam/host.h"

namespace tarn::profile {

namespace {

// A thread's. It stays with its cache.
struct Sampler : Observer {
    Random random;
    unwind::Memory::Range stack;
    uint32_t thread;  // the kernel's id; 0: not asked for yet
    bool busy;        // what happens now, it does itself
};

struct Sampling {
    std::atomic<uint64_t> interval{0};  // mean bytes between samples; 0: none are taken
    std::atomic<uint64_t> last{0};      // the same when they were last
    std::atomic<uint64_t> seeds{0};
    std::atomic<bool> ever{false};   // threads without a cache are seen
    std::atomic<int64_t> untold{0};  // bytes before the next sample, for all of these
    Sampler without_cache;
};
constinit Sampling sampling = {};

// A block that is about to be freed or resized, if it was sampled.
struct Transit {
    Sample sample;
    bool any;
};
thread_local constinit Transit transit __attribute__((tls_model("initial-exec"))) = {};

constexpr int64_t kNever = INT64_MAX / 2;

const Host& host() {
    return *record::state.host;
}

uint64_t fresh_seed() {
    const uint64_t number = sampling.seeds.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed);
    return os::random() ^ number;
}

// How long until the next one; true: the present one is sampled.
bool begin_next(Random& random, int64_t& untold) {
    const uint64_t interval = sampling.interval.load(std::memory_order_relaxed);
    untold = interval ? next_distance(random, interval) : kNever;
    return interval != 0 && books_open();
}

void enter(Sampler& sampler, const void* at, uint64_t size, uint64_t interval) {
    const record::Writing from_stack_to_sample;
    if (sampler.thread == 0) sampler.thread = static_cast<uint32_t>(os::thread_id());
    const uint64_t now = os::coarse_nanoseconds();
    const Weight weight = weight_of(size, interval, sampler.random);
    const uint32_t stack = own_stack(sampler.stack, now);
    add_sample({reinterpret_cast<uintptr_t>(at), size, weight, now, stack, sampler.thread});
    probe_alloc(at, size, weight.bytes);
}

class Busy {
  public:
    explicit Busy(Sampler& sampler) : sampler_(sampler) { sampler_.busy = true; }
    ~Busy() { sampler_.busy = false; }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

  private:
    Sampler& sampler_;
};

[[gnu::cold, gnu::noinline]] void sample_object(Sampler& sampler, ThreadCache& cache, SizeClass c,
                                                Popped& popped) {
    const uint64_t interval = sampling.interval.load(std::memory_order_relaxed);
    if (!begin_next(sampler.random, cache.untold) || interval == 0 || sampler.busy) return;
    const Busy busy(sampler);
    const size_t size = kSizeClasses[c].size;
    void* const object = popped.alignment <= kAlignment && size <= mixed::kSampledMost
                             ? host().take_sampled(cache, c, popped.object)
                             : host().take_block(cache, c, popped.object, popped.alignment);
    if (!object) return;
    popped.object = static_cast<Object*>(object);
    popped.zeroed = false;
    popped.replaced = true;
    enter(sampler, object, size, interval);
}

void popped(Observer& observer, ThreadCache& cache, SizeClass c, Popped& popped) {
    cache.untold -= kSizeClasses[c].size;
    if (cache.untold <= 0) sample_object(static_cast<Sampler&>(observer), cache, c, popped);
}

// A block of `size` bytes, `fresh` of which are new.
[[gnu::cold, gnu::noinline]] void sample_block(Sampler& sampler, int64_t& untold, const void* block,
                                               uint64_t size) {
    const uint64_t interval = sampling.interval.load(std::memory_order_relaxed);
    if (!begin_next(sampler.random, untold) || interval == 0) return;
    const Busy busy(sampler);
    enter(sampler, block, size, interval);
}

// Bytes that were sampled stay so; where some go, with the chance that the others among them were.
void resize_sampled(Sampler& sampler, const void* at, uint64_t size) {
    const record::Writing from_one_to_the_other;
    const Sample before = transit.sample;
    transit.any = false;
    Sample now = before;
    now.address = reinterpret_cast<uintptr_t>(at);
    const uint64_t interval = sampling.last.load(std::memory_order_relaxed);
    if (size != before.size && interval) {
        const auto chance = [=](uint64_t bytes) {
            return 1 / inverse_chance(static_cast<double>(bytes) / static_cast<double>(interval));
        };
        const double stays = static_cast<double>(sampler.random.next() >> 11) * 0x1p-53;
        if (size < before.size && stays * chance(before.size) >= chance(size)) return probe_free(at);
        now.size = size;
        now.weight = weight_of(size, interval, sampler.random);
    }
    add_resized(now, before.weight);
}

void change(Sampler& sampler, int64_t& untold, const BlockChange& change) {
    const bool sampled =
        change.was_at && transit.any && transit.sample.address == reinterpret_cast<uintptr_t>(change.was_at);
    if (!change.at) {
        if (sampled) probe_free(change.was_at);
        if (sampled) transit.any = false;
        return;
    }
    const uint64_t size = change.was_at ? host().block_size(change.at) : change.bytes_allocated;
    if (sampled) return resize_sampled(sampler, change.at, size);
    if (change.bytes_allocated <= change.bytes_freed) return;
    untold -= static_cast<int64_t>(change.bytes_allocated - change.bytes_freed);
    if (untold <= 0) sample_block(sampler, untold, change.at, size);
}

void changed(Observer& observer, ThreadCache& cache, const BlockChange& what) {
    Sampler& sampler = static_cast<Sampler&>(observer);
    if (!sampler.busy) change(sampler, cache.untold, what);
}

void leaves(Observer& observer, ThreadCache&, const void* block) {
    if (static_cast<Sampler&>(observer).busy || live_samples() == 0 || !books_open()) return;
    transit.any = strike_sample(reinterpret_cast<uintptr_t>(block), transit.sample);
}

void forget(Observer& observer, ThreadCache&) {
    Sampler& sampler = static_cast<Sampler&>(observer);
    sampler.thread = 0;
    sampler.stack = {};
    sampler.busy = false;
}

constexpr Observer::Calls kCalls = {
    .refilled = popped, .popped = popped, .leaves = leaves, .changed = changed, .forget = forget};

// Threads without a cache have one observer for all of them, and no memory of their own.
void changed_without_cache(Observer&, ThreadCache&, const BlockChange& what) {
    Sampler sampler{};
    sampler.random.seed(fresh_seed());
    const int64_t before = sampling.untold.load(std::memory_order_relaxed);
    int64_t untold = before;
    change(sampler, untold, what);
    // Begun anew, or less by what this block had.
    sampling.untold.fetch_add(untold - before, std::memory_order_relaxed);
}

constexpr Observer::Calls kCallsWithoutCache = {
    .leaves = leaves, .changed = changed_without_cache, .forget = forget};

// One for each heap there may be; memory for those that there are.
constinit std::atomic<Sampler*> samplers{nullptr};

Sampler* sampler_of(HeapId heap) {
    Sampler* const each = record::made(samplers, kHeapsMax);
    if (!each) return nullptr;
    auto* const made = new (each + heap) Sampler{};
    made->calls = &kCalls;
    made->random.seed(fresh_seed());
    return made;
}

void news(ThreadCache& cache) {
    const uint64_t interval = sampling.interval.load(std::memory_order_acquire);
    auto* sampler = static_cast<Sampler*>(host().observer_of(cache, ObserverSlot::kProfile));
    if (!sampler && !sampling.ever.load(std::memory_order_relaxed)) return;
    if (!sampler) {
        sampler = sampler_of(cache.heap.id());
        if (!sampler) return;
        host().keep_observer(cache, ObserverSlot::kProfile, *sampler);
    }
    sampler->every_object = interval != 0;
    cache.untold = interval ? next_distance(sampler->random, interval) : kNever;
    host().attach(cache, ObserverSlot::kProfile);
}

void see_threads_without_cache() {
    if (sampling.ever.exchange(true, std::memory_order_relaxed)) return;
    sampling.without_cache.calls = &kCallsWithoutCache;
    host().keep_observer(*host().no_cache, ObserverSlot::kProfile, sampling.without_cache);
    host().attach(*host().no_cache, ObserverSlot::kProfile);
}

void begin_sampling(uint64_t interval) {
    if (interval) {
        Random random;
        random.seed(fresh_seed());
        sampling.last.store(interval, std::memory_order_relaxed);
        sampling.untold.store(next_distance(random, interval), std::memory_order_relaxed);
        see_threads_without_cache();
    } else {
        sampling.untold.store(kNever, std::memory_order_relaxed);
    }
    sampling.interval.store(interval, std::memory_order_release);
}

void set_interval(uint64_t interval) {
    if (!books_open()) return;
    begin_sampling(interval);
    __atomic_store_n(&record::state.header->sample_interval, interval, __ATOMIC_RELAXED);
    record::event(TARN_RECORD_EVENT_SAMPLING, interval);
    record::tell_all_threads();
    if (ThreadCache* const cache = host().own_cache()) news(*cache);
}

void begun() {
    if (!open_books()) return;
    open_names();
    announce_interpreters();
    prepare_stacks(reinterpret_cast<uintptr_t>(host().unpop));
    const uint64_t before = sampling.interval.load(std::memory_order_relaxed);
    const uint64_t interval = before ? before : host().options->profile;
    if (interval && !before) return set_interval(interval);
    __atomic_store_n(&record::state.header->sample_interval, interval, __ATOMIC_RELAXED);
}

// The live samples are the parent's: their frees find nothing here.
void after_fork_child() {
    forget_books();
    forget_names();
    leave_rooms();
    transit.any = false;
}

void ended() {
    close_books();
}

void start(size_t interval) {
    set_interval(interval);
}

void stop() {
    set_interval(0);
}

bool sees_all() {
    return sampling.interval.load(std::memory_order_relaxed) != 0;
}

void freed(const void* object) {
    if (books_open() && strike_sample(reinterpret_cast<uintptr_t>(object))) probe_free(object);
}

uint64_t stack_here() {
    if (!books_open()) return 0;
    unwind::Memory::Range own;
    const uint32_t number = own_stack(own, os::coarse_nanoseconds());
    return number == kNoStack ? 0 : uint64_t{number} + 1;
}

constexpr record::Sampler kTable = {.begun = begun,
                                    .after_fork_child = after_fork_child,
                                    .ended = ended,
                                    .start = start,
                                    .stop = stop,
                                    .news = news,
                                    .sees_all = sees_all,
                                    .freed = freed,
                                    .stack_here = stack_here,
                                    .begin_scope = begin_scope,
                                    .end_scope = end_scope,
                                    .register_frames = register_frames};

}  // namespace

const record::Sampler& sampler_table() {
    return kTable;
}

}  // namespace tarn::profile
