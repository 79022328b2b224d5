// SPDX-License-Identifier: MIT
#include "disturb.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "check.h"
#include "process.h"
#include "worker.h"

namespace stress {

namespace {

constexpr unsigned kChildSeconds = 30;
constexpr double kPauseLeast = 0.025;
constexpr size_t kLockedMax = 1 << 20;

volatile sig_atomic_t is_child;
unsigned child_seconds = kChildSeconds;
pthread_mutex_t limit_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_t disturber;
std::atomic<bool> stop;
std::atomic<size_t> locked;

void set_limit(size_t bytes) {
    rlimit limit = {};
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    setrlimit(RLIMIT_AS, &limit);
}

// To a little more than what is mapped, or less: then nothing new can be had.
void lower(Random& random) {
    ++deeds.lowered;
    ++limits;
    const size_t mapped = process::status_bytes("VmSize:");
    set_limit(random.one_in(4) ? mapped / 2 : mapped + (random.below(16) << 20));
}
void raise_again() {
    set_limit(RLIM_INFINITY);
    ++limits;
}

void* disturb(void* seed) {
    Random random{reinterpret_cast<uintptr_t>(seed) * 2 + 1};
    while (!stop) {
        usleep(static_cast<useconds_t>(2000 + random.below(20000)));
        if (random.one_in(3)) malloc_trim(0);
        if (!random.one_in(3)) continue;
        pthread_mutex_lock(&limit_lock);
        lower(random);
        usleep(static_cast<useconds_t>(random.below(3000)));
        raise_again();
        pthread_mutex_unlock(&limit_lock);
    }
    return nullptr;
}

void block_alarm(int how) {
    sigset_t alarm_alone;
    sigemptyset(&alarm_alone);
    sigaddset(&alarm_alone, SIGALRM);
    pthread_sigmask(how, &alarm_alone, nullptr);
}

void require_ended_well(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) fail("a child is gone", nullptr, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) fail("a child of a handler hangs", nullptr, 0);
    if (status != 0) fail("a child of a handler ended badly", nullptr, static_cast<size_t>(status));
}

void set_timer(double seconds) {
    const auto whole = static_cast<time_t>(seconds);
    const itimerval once = {{},
                            {whole, static_cast<suseconds_t>((seconds - static_cast<double>(whole)) * 1e6)}};
    setitimer(ITIMER_REAL, &once, nullptr);
}

// The limit may be low here, and whoever would raise it is not.
void begin_child() {
    is_child = 1;
    set_limit(RLIM_INFINITY);
    limits += limits % 2 ? 1 : 2;
    signal(SIGALRM, SIG_DFL);
    alarm(child_seconds);
}

// The next one comes when others have had some time to do what they do.
void fork_in_handler(int) {
    const int saved = errno;
    const double start = now();
    const pid_t child = fork();
    if (child == 0) return begin_child();
    if (child > 0) {
        ++deeds.forks;
        require_ended_well(child);
    }
    const double pause = 4 * (now() - start);
    set_timer(pause < kPauseLeast ? kPauseLeast : pause);
    errno = saved;
}

}  // namespace

Interruptible::Interruptible() {
    block_alarm(SIG_UNBLOCK);
}
Interruptible::~Interruptible() {
    block_alarm(SIG_BLOCK);
}

void start_forking() {
    child_seconds = check::patience(kChildSeconds);
    block_alarm(SIG_BLOCK);
    struct sigaction action = {};
    action.sa_handler = fork_in_handler;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, nullptr);
    set_timer(kPauseLeast);
}
void stop_forking() {
    set_timer(0);
    signal(SIGALRM, SIG_IGN);
}

bool in_child() {
    return is_child;
}
void end_child() {
    _exit(0);
}

void lock_part(const Block& block, Random& random) {
    const auto from = (reinterpret_cast<uintptr_t>(block.at) + 4095) & ~uintptr_t{4095};
    const auto to = (reinterpret_cast<uintptr_t>(block.at) + block.size) & ~uintptr_t{4095};
    if (!block.at || to <= from || locked > kLockedMax) return;
    const size_t size = to - from > 16384 ? 16384 : to - from;
    if (mlock(reinterpret_cast<void*>(from), size) != 0) return;  // more than the limit allows
    ++deeds.locks;
    if (random.one_in(2))
        munlock(reinterpret_cast<void*>(from), size);
    else
        locked += size;
}

void start_disturber(uint64_t seed) {
    block_alarm(SIG_BLOCK);
    check::require(!pthread_create(&disturber, nullptr, disturb, reinterpret_cast<void*>(seed)),
                   "a thread starts");
}
void stop_disturber() {
    stop = true;
    pthread_join(disturber, nullptr);
}

Unlimited::Unlimited() {
    pthread_mutex_lock(&limit_lock);
}
Unlimited::~Unlimited() {
    pthread_mutex_unlock(&limit_lock);
}

void limit_now_and_then(unsigned long long operation) {
    static Random random{seed_in_use | 1};
    if (operation % 50000 == 49000) lower(random);
    if (operation % 50000 == 49500) lift_limit();
}
void lift_limit() {
    if (limits % 2) raise_again();
}

}  // namespace stress
