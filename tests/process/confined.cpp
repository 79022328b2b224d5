// SPDX-License-Identifier: MIT
// Programs that confine themselves, by filters that end the process at calls which allocating has no need of, as sshd and chronyd do.
#include <pthread.h>
#include <sys/wait.h>

#include <atomic>

#include "check.h"
#include "process.h"
#include "seccomp.h"

namespace {

using check::require;

// What none of the modes may make after the step, whatever looks on.
constexpr int kNever[] = {SYS_mincore, SYS_prlimit64, SYS_rt_sigaction, SYS_rt_sigpending};
// Nor these in the child of a fork.
constexpr int kNeverInChild[] = {SYS_openat,    SYS_statx,    SYS_ftruncate,
                                 SYS_fallocate, SYS_unlinkat, SYS_getcwd};

// Nor these where nobody looks on.
constexpr int kNeverUnwatched[] = {SYS_openat, SYS_madvise, SYS_membarrier};

enum class Who { kProcess, kChild, kUnwatched };

void confine(Who who, void (seccomp::Filter::*install)()) {
    static seccomp::Filter filter;
    for (int call : kNever)
        filter.call(call, SECCOMP_RET_KILL_PROCESS);
    if (who == Who::kChild)
        for (int call : kNeverInChild)
            filter.call(call, SECCOMP_RET_KILL_PROCESS);
    if (who == Who::kUnwatched)
        for (int call : kNeverUnwatched)
            filter.call(call, SECCOMP_RET_KILL_PROCESS);
    filter.otherwise(SECCOMP_RET_ALLOW);
    (filter.*install)();
}

void work() {
    static void* objects[20000];
    for (int round = 0; round < 3; ++round) {
        for (size_t i = 0; i < 20000; ++i) {
            objects[i] = malloc(16 + i % 600);
            require(objects[i] != nullptr, "there is memory");
            static_cast<char*>(objects[i])[0] = 1;
        }
        for (void* object : objects)
            free(object);
    }
    for (size_t i = 0; i < 60; ++i) {
        char* block = static_cast<char*>(malloc(200000 + 5000 * i));
        require(block != nullptr, "there is memory");
        memset(block, 1, 200000);
        block = static_cast<char*>(realloc(block, 400000));
        require(block && block[199999] == 1, "realloc keeps the contents");
        free(block);
    }
}

// So much that an unconfined process is asked for advice: large blocks, objects of several KiB, sparse slabs, growth.
void much_work() {
    static void* blocks[48];
    for (int round = 0; round < 2; ++round) {
        for (void*& block : blocks) {
            require((block = malloc(size_t{1} << 20)) != nullptr, "there is memory");
            memset(block, 1, size_t{1} << 20);
        }
        for (void* block : blocks)
            free(block);
    }
    constexpr size_t kObjects = 200000;
    void** const objects = static_cast<void**>(malloc(kObjects * sizeof(void*)));
    for (const size_t size : {size_t{400}, size_t{400}, size_t{6000}}) {
        const size_t count = size > 1000 ? kObjects / 16 : kObjects;
        for (size_t i = 0; i < count; ++i) {
            require((objects[i] = malloc(size)) != nullptr, "there is memory");
            memset(objects[i], 1, size);
        }
        for (size_t i = 0; i < count; ++i)
            if (i % 64) free(objects[i]);
        for (size_t i = 0; i < count; i += 64)
            free(objects[i]);
    }
    free(objects);
}

void with_much() {
    much_work();
    confine(Who::kUnwatched, &seccomp::Filter::install);
    much_work();
}
void with_much_to_come() {
    confine(Who::kUnwatched, &seccomp::Filter::install);
    much_work();
}

void by_itself() {
    work();
    confine(Who::kProcess, &seccomp::Filter::install);
    work();
}

void in_child(void (seccomp::Filter::*install)()) {
    work();
    const pid_t child = fork();
    if (child == 0) {
        confine(Who::kChild, install);
        work();
        exit(7);
    }
    int status = 0;
    require(waitpid(child, &status, 0) == child, "the child ends");
    if (WIFEXITED(status) && WEXITSTATUS(status) == check::kCannotTest) exit(check::kCannotTest);
    require(WIFEXITED(status) && WEXITSTATUS(status) == 7, "with the status that it wants");
    work();
}

// Threads that rest, while another grows and shrinks, which empties what they keep; all of a sudden they are confined.
void* rest_and_work(void*) {
    static std::atomic<int> all{0};
    if (all++ % 16 == 0)
        for (;;) {
            void** const objects = static_cast<void**>(malloc(30000 * sizeof(void*)));
            for (size_t i = 0; i < 30000; ++i)
                memset(objects[i] = malloc(900), 1, 1);
            for (size_t i = 0; i < 30000; ++i)
                free(objects[i]);
            free(objects);
        }
    for (;;) {
        void* objects[400];
        for (size_t i = 0; i < 400; ++i)
            objects[i] = malloc(16 + i * 10);
        for (void* object : objects)
            free(object);
        usleep(40000);
    }
}
void with_many_threads() {
    for (int round = 0; round < 8; ++round) {
        const pid_t child = fork();
        if (child == 0) {
            pthread_attr_t small_stack;
            pthread_attr_init(&small_stack);
            pthread_attr_setstacksize(&small_stack, 64 << 10);
            pthread_t thread;
            for (int i = 0; i < 48; ++i)
                require(!pthread_create(&thread, &small_stack, rest_and_work, nullptr), "a thread starts");
            usleep(static_cast<useconds_t>(60000 + round * 7000));
            confine(Who::kUnwatched, &seccomp::Filter::install_for_all);
            usleep(60000);
            _exit(7);
        }
        int status = 0;
        require(waitpid(child, &status, 0) == child, "the child ends");
        if (WIFEXITED(status) && WEXITSTATUS(status) == check::kCannotTest) exit(check::kCannotTest);
        require(WIFEXITED(status) && WEXITSTATUS(status) == 7, "with the status that it wants");
    }
}

// The system's prctl, whoever is asked first.
void prctl_answers() {
    char name[16] = {};
    require(prctl(PR_SET_NAME, "another-name") == 0 && prctl(PR_GET_NAME, name) == 0,
            "a name is set and read");
    require(!strcmp(name, "another-name"), "the one that was set");
    errno = 0;
    require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr) == -1 && errno != 0, "no filter is an error");
    errno = 0;
    require(prctl(-5) == -1 && errno == EINVAL, "so is what there is not");
    errno = 7;
    require(prctl(PR_GET_DUMPABLE) >= 0 && errno == 7, "what succeeds leaves errno alone");
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"prctl_answers", prctl_answers},
                       {"by_itself", by_itself},
                       {"with_much", with_much},
                       {"with_much_to_come", with_much_to_come},
                       {"with_many_threads", with_many_threads},
                       {"child", [] { in_child(&seccomp::Filter::install); }},
                       {"child_by_seccomp", [] { in_child(&seccomp::Filter::install_by_seccomp); }}});
}
