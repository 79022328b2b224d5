// SPDX-License-Identifier: MIT
// How much of what the allocator does is shared with other cores, by counting (counted.h), so that it can be told on few
// cores. Each pattern with each number of threads runs in a process of its own; the table has what a million operations
// take, in the middle of it, starts and ends of threads left out. A number beyond its bound fails.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "check.h"
#include "counted.h"
#include "patterns.h"

using check::require;
using counted::Counts;
using patterns::Pattern;

namespace {

constexpr size_t kThreadsMost = 64;

// A million operations take so much at most, however many threads there are.
struct Bound {
    Pattern pattern;
    double run_holds, shared;
};
// Some half more than is found. One slab at a time would be 43,000 holds in waves and 32,000 in growth.
constexpr Bound kBounds[] = {
    {{"pairs", patterns::pairs}, 200, 1000},
    {{"waves", patterns::waves}, 9000, 20000},
    {{"pipes", patterns::pipes}, 3000, 200000},
    {{"growing", patterns::growing}, 8000, 20000},
};

struct Team {
    Pattern pattern;
    size_t threads;
    pthread_barrier_t barrier;
    Counts counts[kThreadsMost];
};
Team team;

void* work(void* counts) {
    const size_t thread = static_cast<size_t>(static_cast<Counts*>(counts) - team.counts);
    team.pattern.run(thread, team.threads);
    pthread_barrier_wait(&team.barrier);
    const Counts before = counted::counts;
    team.pattern.run(thread, team.threads);
    team.counts[thread] = counted::counts - before;
    pthread_barrier_wait(&team.barrier);
    return nullptr;
}

Counts run(Pattern pattern, size_t threads) {
    team.pattern = pattern;
    team.threads = threads;
    pthread_barrier_init(&team.barrier, nullptr, static_cast<unsigned>(threads));
    pthread_t ids[kThreadsMost];
    for (size_t i = 0; i < threads; ++i)
        require(!pthread_create(&ids[i], nullptr, work, &team.counts[i]), "a thread starts");
    Counts total;
    for (size_t i = 0; i < threads; ++i) {
        pthread_join(ids[i], nullptr);
        total += team.counts[i];
    }
    return total;
}

// Whether it is within the bound.
bool row(const Bound& bound, size_t threads) {
    const Counts counts = run(bound.pattern, threads);
    const double million = 1e6 / static_cast<double>(counts.operations);
    const auto each = [million](uint64_t number) { return static_cast<double>(number) * million; };
    const bool holds = each(counts.run_holds) <= bound.run_holds && each(counts.shared) <= bound.shared;
    printf("%-8s %7zu %11.0f %10.0f %13.0f %9.0f %9.0f%s\n", bound.pattern.name, threads,
           each(counts.run_holds), each(counts.run_waits), each(counts.orphan_holds), each(counts.shared),
           each(counts.own), holds ? "" : "  too much");
    return holds;
}

bool row_in_child(const Bound& bound, size_t threads) {
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        alarm(check::patience(60));
        const bool holds = row(bound, threads);
        fflush(stdout);
        _exit(holds ? 0 : 1);
    }
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace

int main() {
    printf("%-8s %7s %11s %10s %13s %9s %9s   of a million operations\n", "pattern", "threads", "run lock",
           "waits", "orphan lock", "shared", "own");
    bool holds = true;
    for (const Bound& bound : kBounds)
        for (size_t threads = 2; threads <= kThreadsMost; threads *= 2)
            holds &= row_in_child(bound, threads);
    return holds ? 0 : 1;
}
