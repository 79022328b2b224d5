// SPDX-License-Identifier: MIT
// Random operations on the allocator that this program runs under, against a shadow model of all live blocks.
//
//   shadow_model [--operations N | --seconds N] [--long-seconds N] [--threads N] [--seed N] [--backend NAME]
//
// With threads: each has blocks of its own, leaves others in an exchange where anybody may free or resize
// them, and ends many times, in many ways; what it then still has, others free. Meanwhile handlers fork, the
// limit on address space changes, pages are locked. The seed of a run is its first line of output.
// --long-seconds holds where the environment has TEST_LONG.
#include <pthread.h>
#include <unistd.h>

#include <ctime>

#include "check.h"
#include "disturb.h"
#include "ends.h"
#include "tarn/tarn.h"
#include "worker.h"

extern "C" [[gnu::weak]] int tarn_stats_get(tarn_stats*, size_t);

namespace {

using namespace stress;

constexpr unsigned kGenerations = 6;
constexpr double kGenerationSeconds = 0.25;

struct Settings {
    unsigned long long operations = 2000000;  // all threads together
    double seconds = 0;                       // 0: so many operations
    unsigned threads = 1;
    unsigned long long seed = 0;
    const char* backend = nullptr;
} settings;

struct Job {
    unsigned thread;
    uint64_t seed;
    Until until;
};

void* run_job(void* argument) {
    const Job& job = *static_cast<Job*>(argument);
    work(job.thread, job.seed, job.until, true);
    Random random{job.seed | 1};
    const bool jemalloc = settings.backend && !strcmp(settings.backend, "jemalloc");
    end_thread(random, jemalloc ? Ends::kHeardOf : Ends::kAll);
    return nullptr;
}

// What thread i left is the next one's in another generation: its slabs are orphans by then.
void run_generation(unsigned generation, Until until) {
    pthread_t threads[kThreadsMax];
    Job jobs[kThreadsMax];
    for (unsigned i = 0; i < settings.threads; ++i) {
        jobs[i] = {(i + generation) % settings.threads,
                   settings.seed + 1000003 * (uint64_t{generation} * kThreadsMax + i + 1), until};
        const Unlimited unlimited;
        check::require(!pthread_create(&threads[i], nullptr, run_job, &jobs[i]), "a thread starts");
    }
    for (unsigned i = 0; i < settings.threads; ++i)
        pthread_join(threads[i], nullptr);
}

void run_threads() {
    start_disturber(settings.seed);
    const double end = now() + settings.seconds;
    if (settings.seconds > 0)
        for (unsigned generation = 0; now() < end; ++generation)
            run_generation(generation, {.moment = now() + kGenerationSeconds});
    else
        for (unsigned generation = 0; generation < kGenerations; ++generation)
            run_generation(generation, {.operations = settings.operations / settings.threads / kGenerations});
    stop_disturber();
}

void run_one_thread() {
    Until until;
    if (settings.seconds > 0)
        until.moment = now() + settings.seconds;
    else
        until.operations = settings.operations;
    work(0, settings.seed, until, false);
    lift_limit();
}

void release_everything() {
    Random random{settings.seed * 2 + 1};
    for (auto& blocks : held)
        release_all(blocks, random);
    release_shared(random);
}

tarn_stats stats() {
    static tarn_stats numbers;
    if (!tarn_stats_get || tarn_stats_get(&numbers, sizeof numbers) != 0) {
        fprintf(stderr, "shadow_model: not under tarn\n");
        exit(2);
    }
    return numbers;
}

void read_arguments(int count, char** words) {
    settings.seed =
        static_cast<unsigned long long>(time(nullptr)) * 1000003 + static_cast<unsigned>(getpid()) * 7919u;
    double long_seconds = 0;
    for (int i = 1; i + 1 < count; i += 2) {
        const char* const value = words[i + 1];
        if (!strcmp(words[i], "--operations")) settings.operations = strtoull(value, nullptr, 10);
        if (!strcmp(words[i], "--seconds")) settings.seconds = atof(value);
        if (!strcmp(words[i], "--long-seconds")) long_seconds = atof(value);
        if (!strcmp(words[i], "--threads")) settings.threads = static_cast<unsigned>(atoi(value));
        if (!strcmp(words[i], "--seed")) settings.seed = strtoull(value, nullptr, 10);
        if (!strcmp(words[i], "--backend")) settings.backend = value;
    }
    if (long_seconds > 0 && getenv("TEST_LONG")) settings.seconds = long_seconds;
    if (settings.threads < 1 || settings.threads > kThreadsMax) settings.threads = 1;
    seed_in_use = settings.seed;
}

int fault(const char* format, unsigned long one, unsigned long other) {
    fprintf(stderr, "shadow_model: ");
    fprintf(stderr, format, one, other);
    fprintf(stderr, "; --seed %llu\n", settings.seed);
    return 1;
}

// What is live again after everything was freed; threads leave what libc keeps for them.
int compare(const tarn_stats& before, const tarn_stats& after) {
    int faults = 0;
    if (settings.threads == 1 && after.live_objects != before.live_objects)
        faults += fault("%lu objects live, %lu before", after.live_objects, before.live_objects);
    if (after.large_live_objects != before.large_live_objects)
        faults +=
            fault("%lu large blocks live, %lu before", after.large_live_objects, before.large_live_objects);
    if (after.allocations - before.allocations < deeds.operations / 4)
        faults += fault("only %lu allocations in %lu operations", after.allocations, deeds.operations);
    if (settings.backend && strcmp(settings.backend, after.backend) != 0) {
        fprintf(stderr, "shadow_model: backend %s served\n", after.backend);
        ++faults;
    }
    return faults;
}

}  // namespace

int main(int count, char** words) {
    read_arguments(count, words);
    printf("seed %llu, %u threads\n", settings.seed, settings.threads);
    fflush(stdout);
    const tarn_stats before = stats();
    start_forking();
    if (settings.threads == 1)
        run_one_thread();
    else
        run_threads();
    stop_forking();
    release_everything();
    const tarn_stats after = stats();
    printf(
        "%lu operations, %lu allocations, %lu large, %lu freed by other threads, %lu threads ended, backend "
        "%s\n",
        deeds.operations.load(), after.allocations, after.large_allocations, after.remote_frees,
        after.threads_ended, after.backend);
    printf("%lu copies, %lu forks in handlers, %lu times limited, %lu locks\n", deeds.copies.load(),
           deeds.forks.load(), deeds.lowered.load(), deeds.locks.load());
    return compare(before, after) ? 1 : 0;
}
