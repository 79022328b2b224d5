// SPDX-License-Identifier: MIT
// Programs whose record is read while they run and after they ended (record_scenarios.py). What they do they count
// themselves as well, in a file that is mapped shared (Shadow), so that it is known after a SIGKILL, too.
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include <atomic>

#include "check.h"
#include "process.h"
#include "tarn/record.h"

using check::opaque;
using check::require;

// Of the library that is preloaded.
#pragma weak tarn_stats_get
#pragma weak tarn_trim
#pragma weak tarn_record_active
#pragma weak tarn_record_path
#pragma weak tarn_record_phase
#pragma weak tarn_record_snapshot_now
#pragma weak tarn_record_start_sampling
#pragma weak tarn_record_stop_sampling
#pragma weak tarn_scope_begin
#pragma weak tarn_scope_end

namespace {

uint64_t now() {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

// ---- the shadow

constexpr uint64_t kOperations = 1 << 20;

// After each operation of one thread: number n at n % kOperations.
struct Operation {
    uint64_t allocations, frees, live_bytes, time_ns;
};
// What several threads did, from time to time: number n at n % kOperations.
struct Shadow {
    uint64_t base_allocations, base_frees, base_live;  // before the first
    std::atomic<uint64_t> count;
    Operation operations[kOperations];
};

Shadow& map_shadow(const char* path) {
    const int fd = open(path, O_RDWR | O_CREAT, 0600);
    require(fd >= 0 && ftruncate(fd, sizeof(Shadow)) == 0, "the shadow's file can be made");
    void* const at = mmap(nullptr, sizeof(Shadow), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    require(at != MAP_FAILED, "the shadow can be mapped");
    close(fd);
    return *static_cast<Shadow*>(at);
}

void begin(Shadow& shadow) {
    tarn_stats stats;
    require(tarn_stats_get(&stats, sizeof stats) == 0, "there are statistics");
    shadow.base_allocations = stats.allocations;
    shadow.base_frees = stats.frees;
    shadow.base_live = stats.live_bytes;
}

void note(Shadow& shadow, const Operation& done) {
    const uint64_t number = shadow.count.load(std::memory_order_relaxed);
    shadow.operations[number % kOperations] = done;
    shadow.count.store(number + 1, std::memory_order_release);
}

// One thread, for ever: small and large objects come and go, some tens of MiB of them.
void shadowed(const char* path) {
    constexpr size_t kObjects = 40000;
    static void* objects[kObjects];
    Shadow& shadow = map_shadow(path);
    begin(shadow);
    process::Random random{static_cast<uint64_t>(getpid()) * 77777 + 1};
    Operation done = {};
    for (;;) {
        void*& object = objects[random.next() % kObjects];
        if (object) {
            done.live_bytes -= malloc_usable_size(object);
            done.frees += 1;
            free(object);
            object = nullptr;
        } else {
            const uint64_t dice = random.next();
            object = malloc(dice % 64 == 0 ? 33000 + dice / 64 % 400000 : 1 + dice / 64 % 1500);
            require(object, "there is memory");
            done.live_bytes += malloc_usable_size(object);
            done.allocations += 1;
        }
        done.time_ns = now();
        note(shadow, done);
    }
}

struct Worker {
    pthread_t thread;
    std::atomic<uint64_t> allocations, frees;
    uint64_t seed;
};

void* work(void* self) {
    constexpr size_t kObjects = 2000;
    Worker& worker = *static_cast<Worker*>(self);
    void* objects[kObjects] = {};
    process::Random random{worker.seed};
    for (;;) {
        void*& object = objects[random.next() % kObjects];
        if (object) {
            free(object);
            object = nullptr;
            worker.frees.store(worker.frees.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        } else {
            const uint64_t dice = random.next();
            object = malloc(dice % 256 == 0 ? 40000 : 1 + dice / 256 % 3000);
            worker.allocations.store(worker.allocations.load(std::memory_order_relaxed) + 1,
                                     std::memory_order_relaxed);
        }
    }
}

// Several threads, for ever; what all of them have done is written down each millisecond.
void threads(const char* path, int count) {
    static Worker workers[64];
    Shadow& shadow = map_shadow(path);
    begin(shadow);
    for (int i = 0; i < count; ++i) {
        workers[i].seed = static_cast<uint64_t>(getpid()) * 1000 + static_cast<uint64_t>(i) + 1;
        require(pthread_create(&workers[i].thread, nullptr, work, &workers[i]) == 0, "threads start");
    }
    for (;;) {
        Operation done = {};
        for (int i = 0; i < count; ++i) {
            done.allocations += workers[i].allocations.load();
            done.frees += workers[i].frees.load();
        }
        done.time_ns = now();
        note(shadow, done);
        usleep(1000);
    }
}

// ---- what stands in a record

void use(size_t bytes) {
    for (size_t i = 0; i < bytes; i += 1000)
        free(opaque(malloc(1000)));
    void* kept[64];
    for (void*& each : kept)
        each = malloc(bytes / 64 + 1);
    for (void* each : kept)
        free(each);
}

void phases() {
    require(tarn_record_active() == 1, "there is a record");
    require(strlen(tarn_record_path()) > 0, "it has a path");
    errno = 5;
    tarn_record_phase("loading");
    use(1 << 20);
    tarn_record_phase(
        "a name of more than seventy-nine bytes, of which the first seventy-nine are kept, and no more");
    require(tarn_record_snapshot_now("asked") == 0, "a snapshot can be had");
    require(tarn_record_snapshot_now(nullptr) == 0, "without a name as well");
    require(errno == 5, "errno is as it was");
}

void without() {
    require(tarn_record_active() == 0 && strcmp(tarn_record_path(), "") == 0, "there is no record");
    tarn_record_phase("nothing");
    require(tarn_record_snapshot_now("nothing") == -1 && tarn_record_start_sampling(0) == -1 &&
                tarn_record_stop_sampling() == -1,
            "nothing can be done");
    tarn_scope_end(tarn_scope_begin("nothing"));
}

void many_events() {
    for (int i = 0; i < 1300; ++i) {
        char name[32];
        snprintf(name, sizeof name, "phase %d", i);
        tarn_record_phase(name);
    }
}

void out_of_memory() {
    const rlimit limit{size_t{1} << 30, size_t{1} << 30};
    require(setrlimit(RLIMIT_AS, &limit) == 0, "a limit can be set");
    require(!malloc(opaque(size_t{3} << 30)), "there is not so much");
    require(errno == ENOMEM, "and errno says so");
    use(1 << 20);
}

void trims() {
    use(16 << 20);
    malloc_trim(0);
    tarn_trim();
}

void double_free() {
    void* const p = malloc(100);
    use(1 << 20);
    free(p);
    free(opaque(p));
}

// Works until its input ends, so that a tool can ask for something.
void serve() {
    fcntl(0, F_SETFL, O_NONBLOCK);
    char byte;
    for (;;) {
        const ssize_t got = read(0, &byte, 1);
        if (got == 0) return;
        use(1 << 20);
        usleep(1000);
    }
}

// As a daemon does; and then the numbers are used anew.
void closes_all() {
    use(1 << 20);
    for (int fd = 0; fd < 1024; ++fd)
        close(fd);
    int own[64];
    for (int& fd : own) {
        char name[32];
        snprintf(name, sizeof name, "own-%d", static_cast<int>(&fd - own));
        fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
        if (fd < 0 || write(fd, "own", 3) != 3) _exit(9);
    }
    many_events();
    for (int i = 0; i < 300; ++i)
        use(1 << 20);
}

// The memory of its record's file system is used up by itself. Its children find no room for theirs.
void fills(const char* folder) {
    char path[256];
    snprintf(path, sizeof path, "%s/filler", folder);
    const int fd = open(path, O_RDWR | O_CREAT, 0600);
    static char block[4096];
    while (write(fd, block, sizeof block) == sizeof block) {
    }
    for (int i = 0; i < 3; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            use(4 << 20);
            exit(0);
        }
        waitpid(child, nullptr, 0);
    }
    many_events();
    use(64 << 20);
}

void loads(const char* library) {
    void* const handle = dlopen(library, RTLD_NOW);
    require(handle, "the library can be loaded");
    tarn_record_phase("loaded");
    require(dlclose(handle) == 0, "and unloaded");
}

void forks() {
    use(1 << 20);
    for (int i = 0; i < 3; ++i) {
        const pid_t child = fork();
        require(child >= 0, "it can fork");
        if (child == 0) {
            use(4 << 20);
            tarn_record_phase("child");
            if (i == 1) execl("/bin/true", "true", nullptr);
            if (i == 2) kill(getpid(), SIGKILL);
            exit(0);
        }
        int status;
        require(waitpid(child, &status, 0) == child, "the child ends");
        use(1 << 20);
    }
    tarn_record_phase("parent");
}

// Children that come into being without a word to libc's handlers, and allocate.
void raw_clones() {
    use(1 << 20);
    tarn_record_snapshot_now("before");
    for (int i = 0; i < 20; ++i) {
        const pid_t child = i % 2 ? _Fork() : vfork();
        if (child == 0) {
            for (int n = 0; n < 2000; ++n)
                free(opaque(malloc(40000)));
            tarn_record_phase("none of the record's");
            _exit(0);
        }
        int status;
        require(waitpid(child, &status, 0) == child && status == 0, "the child ends well");
    }
    tarn_record_phase("after");
}

void again() {
    const itimerval timer{{0, 0}, {0, 1000 + static_cast<int>(now() % 977)}};
    setitimer(ITIMER_REAL, &timer, nullptr);
}

// Handlers fork over whatever malloc and the record are at.
void forks_in_handlers() {
    signal(SIGALRM, [](int) {
        const pid_t child = fork();
        if (child == 0) {
            for (int n = 0; n < 200; ++n)
                free(opaque(malloc(40000)));
            tarn_record_phase("child of a handler");
            _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (status != 0) _exit(1);
        again();
    });
    again();
    const uint64_t until = now() + 2000000000;
    while (now() < until) {
        tarn_record_phase("parent");
        use(1 << 20);
    }
}

void leaks_until_killed() {
    tarn_record_phase("begins to leak");
    for (;;)
        memset(opaque(malloc(100000)), 1, 100000);
}

struct Mode {
    const char* name;
    void (*run)(const char* argument, const char* more);
};
constexpr Mode kModes[] = {
    {"shadowed", [](const char* a, const char*) { shadowed(a); }},
    {"threads", [](const char* a, const char* b) { threads(a, atoi(b)); }},
    {"phases", [](const char*, const char*) { phases(); }},
    {"without", [](const char*, const char*) { without(); }},
    {"many_events", [](const char*, const char*) { many_events(); }},
    {"out_of_memory", [](const char*, const char*) { out_of_memory(); }},
    {"trims", [](const char*, const char*) { trims(); }},
    {"double_free", [](const char*, const char*) { double_free(); }},
    {"serve", [](const char*, const char*) { serve(); }},
    {"closes_all", [](const char*, const char*) { closes_all(); }},
    {"fills", [](const char* a, const char*) { fills(a); }},
    {"loads", [](const char* a, const char*) { loads(a); }},
    {"forks", [](const char*, const char*) { forks(); }},
    {"raw_clones", [](const char*, const char*) { raw_clones(); }},
    {"forks_in_handlers", [](const char*, const char*) { forks_in_handlers(); }},
    {"leaks_until_killed", [](const char*, const char*) { leaks_until_killed(); }},
};

}  // namespace

int main(int count, char** arguments) {
    for (const Mode& mode : kModes) {
        if (count < 2 || strcmp(mode.name, arguments[1]) != 0) continue;
        mode.run(count > 2 ? arguments[2] : "", count > 3 ? arguments[3] : "");
        return 0;
    }
    check::give_up("no such mode", 2);
}
