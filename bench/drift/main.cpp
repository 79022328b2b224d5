// SPDX-License-Identifier: MIT
// A load that drifts, for as long as is wanted: a server with a cache, sessions, an index that is built anew, and jobs;
// sizes, lifetimes, threads and how much is live change all the time (plan.h), and what one thread made another frees.
// Prints what is live, by its own exact count, and what is resident. The work is a number of steps, the same whoever
// allocates and however fast; --rate makes them last. Own, after what Wilson et al. 1995 (IWMM) ask of such a load.
#include <time.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "shard.h"

namespace {

using namespace drift;

constexpr size_t kIdleMost = 50;      // steps, after which a thread ends that has nothing to do
constexpr size_t kReplaceEvery = 40;  // steps, after which one of the threads is replaced
constexpr size_t kSamples = 360;

Shard shards[kShards];
Job job;

// Does for one step what it is told, then waits for the next.
class Worker {
  public:
    size_t idle = 0;  // steps

    void begin() {
        thread_ = std::thread([this] { run(); });
    }
    bool lives() const { return thread_.joinable(); }
    void give(const Plan& plan, bool with_job, const std::vector<size_t>& work) {
        std::lock_guard<std::mutex> guard(lock_);
        plan_ = &plan;
        with_job_ = with_job;
        work_ = &work;
        changed_.notify_all();
    }
    void wait() {
        std::unique_lock<std::mutex> guard(lock_);
        changed_.wait(guard, [this] { return !plan_; });
    }
    void end() {
        {
            std::lock_guard<std::mutex> guard(lock_);
            ends_ = true;
            changed_.notify_all();
        }
        thread_.join();
        ends_ = false;
        idle = 0;
    }
    const Count& count() const { return count_; }

  private:
    void run() {
        for (std::unique_lock<std::mutex> guard(lock_);;) {
            changed_.wait(guard, [this] { return plan_ || ends_; });
            if (!plan_) return;
            for (size_t shard : *work_)
                shards[shard].step(*plan_, count_);
            if (with_job_) job.step(*plan_, count_);
            plan_ = nullptr;
            changed_.notify_all();
        }
    }
    std::thread thread_;
    std::mutex lock_;
    std::condition_variable changed_;
    const Plan* plan_ = nullptr;
    const std::vector<size_t>* work_ = nullptr;
    bool with_job_ = false, ends_ = false;
    Count count_;  // outlives its threads
};

Worker workers[kThreadsMost + 1];  // the last one does the jobs

// Shards wander: some with each step, some seldom.
size_t worker_of(size_t shard, const Plan& plan) {
    const size_t stays = size_t{1} << (shard % 4 * 2);  // 1, 4, 16, 64 steps
    bench::Random random((plan.step() + shard) / stays * kShards + shard);
    return random.below(plan.threads());
}

void step(const Plan& plan) {
    static std::vector<size_t> work[kThreadsMost + 1];
    for (std::vector<size_t>& list : work) {
        list.reserve(kShards);
        list.clear();
    }
    for (size_t shard = 0; shard < kShards; ++shard)
        work[worker_of(shard, plan)].push_back(shard);
    if (plan.step() % kReplaceEvery == 0) {
        Worker& replaced = workers[plan.step() / kReplaceEvery % kThreadsMost];
        if (replaced.lives()) replaced.end();
    }
    for (size_t i = 0; i <= kThreadsMost; ++i) {
        Worker& worker = workers[i];
        const bool with_job = i == kThreadsMost && Job::due(plan.step());
        if (!work[i].empty() || with_job) {
            if (!worker.lives()) worker.begin();
            worker.idle = 0;
            worker.give(plan, with_job, work[i]);
        } else if (worker.lives() && ++worker.idle > kIdleMost) {
            worker.end();
        }
    }
    for (Worker& worker : workers)
        if (worker.lives()) worker.wait();
}

double live_mib() {
    long live = 0;
    for (const Worker& worker : workers)
        live += worker.count().live;
    return static_cast<double>(live) / kMiB;
}

double seconds_now() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void sleep_until(double seconds) {
    const double left = seconds - seconds_now();
    if (left > 0) usleep(static_cast<useconds_t>(left * 1e6));
}

// Of samples.
struct Sum {
    double live = 0, resident = 0;
    size_t samples = 0;

    void add(double live_now, double resident_now) {
        live += live_now;
        resident += resident_now;
        ++samples;
    }
};

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t steps = std::max<size_t>(arguments.scaled("--steps", 1800), 10);
    const double rate = arguments.real("--rate", 0);  // steps a second; 0: without a pause
    arguments.end();

    static char buffer[1 << 12];
    setvbuf(stdout, buffer, _IOLBF, sizeof buffer);
    for (size_t i = 0; i < kShards; ++i)
        shards[i].begin(i);
    const double start = bench::resident_mib(), begun = seconds_now();
    const size_t every = std::max<size_t>(steps / kSamples, 1);
    Plan plan(steps);
    Sum second_half, end;
    for (size_t i = 0; i < steps; ++i) {
        if (rate > 0) sleep_until(begun + static_cast<double>(i) / rate);
        plan.begin(i);
        step(plan);
        if ((i + 1) % every != 0) continue;
        const double live = live_mib(), resident = bench::resident_mib() - start;
        printf("sample %zu step %.1f s %.3f live %.3f resident %zu threads\n", i + 1, seconds_now() - begun,
               live, resident, plan.threads());
        if (i >= steps / 2) second_half.add(live, resident);
        if (i >= steps - steps / 10) end.add(live, resident);
    }
    for (Worker& worker : workers)
        if (worker.lives()) worker.end();
    Count last;
    for (Shard& shard : shards)
        shard.end(last);
    job.end(last);
    size_t objects = last.objects;
    for (const Worker& worker : workers)
        objects += worker.count().objects;
    if (live_mib() + static_cast<double>(last.live) / kMiB != 0)
        bench::fail("what is live was not counted right");
    const double samples = static_cast<double>(end.samples);
    printf("live %.2f MiB\nresident %.2f MiB\n", end.live / samples, end.resident / samples);
    printf("ratio %.3f ratio\nratio_half %.3f ratio\n", end.resident / end.live,
           second_half.resident / second_half.live);
    bench::work(objects, "objects");
}
