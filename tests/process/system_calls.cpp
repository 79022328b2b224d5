// SPDX-License-Identifier: MIT
// System calls after start, under filters of the kernel's.
//
//   system_calls MODE [NAME,NAME...]   the calls that docs/system-calls.md gives for what comes after start
//
// In a program of one thread every call counts; with threads and children those of the allocator's own code
// alone, since libc makes others for them.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "check.h"
#include "process.h"
#include "seccomp.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;

namespace {

const char* listed = "";  // the second argument

void* objects[50000];
void use(size_t size, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        require((objects[i] = malloc(size)) != nullptr, "there is memory");
        static_cast<char*>(objects[i])[0] = static_cast<char*>(objects[i])[size - 1] = 1;
    }
    for (size_t i = 0; i < count; ++i)
        free(objects[i]);
}
void small() {
    use(100, 50000);
    use(1000, 50000);
    use(20000, 3000);
}
void few() {
    use(100, 20000);
    use(1000, 10000);
    use(20000, 600);
}
void medium() {
    use(50000, 3000);
    use(120000, 600);
}
void large() {
    use(kMiB, 60);
    use(5 * kMiB, 10);
    for (int i = 0; i < 100; ++i)
        use(300000, 3);
    free(opaque(calloc(1, 3 * kMiB)));
    free(opaque(aligned_alloc(65536, 2 * kMiB)));
}
void growth() {
    char* block = nullptr;
    for (size_t size = 1000; size < 64 * kMiB; size = size * 3 / 2) {
        require((block = static_cast<char*>(realloc(block, size))) != nullptr, "it grows");
        block[size - 1] = 1;
    }
    block = static_cast<char*>(realloc(block, 1000));
    free(opaque(block));
}
void churn() {
    for (int round = 0; round < 8; ++round)
        use(1000, 40000);
}
// Of each as much as shows it, where each object costs a call.
void each_briefly() {
    few();
    medium();
    large();
    growth();
    use(1000, 40000);
}
void all_single() {
    small();
    medium();
    large();
    growth();
    churn();
}

void* in_thread(void*) {
    void* mine[2000];
    for (size_t i = 0; i < 2000; ++i)
        memset(mine[i] = malloc(i % 10 ? 300 : 40000), 1, 300);
    for (void* object : mine)
        free(object);
    return memset(malloc(100), 1, 100);
}
void threads() {
    for (int round = 0; round < 20; ++round) {
        pthread_t started[8];
        for (pthread_t& thread : started)
            require(!pthread_create(&thread, nullptr, in_thread, nullptr), "a thread starts");
        for (pthread_t thread : started) {
            void* left = nullptr;
            pthread_join(thread, &left);
            free(left);
        }
    }
}

// A thread waits with holes in its slabs while another grows, which looks at those who are idle; then it goes on.
pthread_barrier_t turn;
void* with_holes(void*) {
    constexpr size_t kCount = 100000;
    static void* mine[kCount];
    for (void*& object : mine)
        require((object = malloc(200)) != nullptr, "there is memory");
    for (size_t i = 0; i < kCount; ++i)
        if (i % 64) free(mine[i]);
    pthread_barrier_wait(&turn);
    pthread_barrier_wait(&turn);
    for (size_t i = 0; i < kCount; ++i)
        if (i % 64) require((mine[i] = malloc(400)) != nullptr, "there is memory");
    for (void* object : mine)
        free(object);
    return nullptr;
}
void idle() {
    pthread_t thread;
    require(!pthread_barrier_init(&turn, nullptr, 2), "a barrier");
    require(!pthread_create(&thread, nullptr, with_holes, nullptr), "a thread starts");
    pthread_barrier_wait(&turn);
    small();
    pthread_barrier_wait(&turn);
    pthread_join(thread, nullptr);
}
// So many wait that others look after what they keep.
void many_idle() {
    static pthread_barrier_t all;
    constexpr unsigned kMany = 40;
    require(!pthread_barrier_init(&all, nullptr, kMany + 1), "a barrier");
    pthread_t started[kMany];
    const auto use_and_wait = [](void*) -> void* {
        free(in_thread(nullptr));
        pthread_barrier_wait(&all);
        pthread_barrier_wait(&all);
        free(in_thread(nullptr));
        pthread_barrier_wait(&all);
        for (;;)
            pause();
    };
    for (pthread_t& thread : started)
        require(!pthread_create(&thread, nullptr, use_and_wait, nullptr), "a thread starts");
    pthread_barrier_wait(&all);
    for (int i = 0; i < 20; ++i) {
        small();
        growth();
    }
    pthread_barrier_wait(&all);
    pthread_barrier_wait(&all);
}
void children() {
    for (int i = 0; i < 10; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            small();
            threads();
            _exit(0);
        }
        int status = 1;
        require(waitpid(child, &status, 0) == child && status == 0, "the child ends well");
    }
}

// Says which call it was that the filter caught.
void caught(int, siginfo_t* info, void*) {
    char line[128] = "a system call that is not on the list: ";
    strcat(strcat(line, seccomp::name_of(info->si_syscall)), "\n");
    if (write(2, line, strlen(line)) < 0) _exit(2);
    _exit(1);
}
void on_caught(void (*handler)(int, siginfo_t*, void*)) {
    struct sigaction action = {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSYS, &action, nullptr);
}

void allow_listed(seccomp::Filter& filter) {
    char names[512];
    require(*listed && strlen(listed) < sizeof names, "a list of names");
    for (char* name = strtok(strcpy(names, listed), ","); name; name = strtok(nullptr, ","))
        filter.call(seccomp::number_of(name), SECCOMP_RET_ALLOW);
}
void only_listed(void (*body)()) {
    free(opaque(malloc(100)));
    on_caught(caught);
    seccomp::Filter filter;
    allow_listed(filter);
    for (int own : {SYS_write, SYS_exit_group})
        filter.call(own, SECCOMP_RET_ALLOW);
    filter.otherwise(SECCOMP_RET_TRAP);
    filter.install();
    body();
    _exit(0);
}
void only_listed_of_its_own(void (*body)()) {
    free(opaque(malloc(100)));
    on_caught(caught);
    seccomp::Filter filter;
    filter.from_outside(seccomp::code_around(dlsym(RTLD_DEFAULT, "malloc")), SECCOMP_RET_ALLOW);
    allow_listed(filter);
    filter.otherwise(SECCOMP_RET_TRAP);
    filter.install();
    body();
    _exit(0);
}

constexpr int kRefused[] = {SYS_madvise, SYS_mincore, SYS_membarrier};
void refuse_advice(void (*first)(), void (*last)()) {
    free(opaque(malloc(100)));
    seccomp::Filter filter;
    for (int number : kRefused)
        filter.call(number, SECCOMP_RET_ERRNO | EPERM);
    filter.otherwise(SECCOMP_RET_ALLOW);
    filter.install();
    first();
    threads();
    malloc_trim(0);
    last();
}

// Each call of others' code is caught, counted, and made here in its place, unless it is refused.
size_t calls_made, calls_refused;
long make_call(long number, const long* words) {
    return syscall(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
#if defined(__x86_64__)
struct Registers {
    long words[6];
    long long* result;
};
Registers registers_of(void* context) {
    auto& found = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    return {{static_cast<long>(found[REG_RDI]), static_cast<long>(found[REG_RSI]),
             static_cast<long>(found[REG_RDX]), static_cast<long>(found[REG_R10]),
             static_cast<long>(found[REG_R8]), static_cast<long>(found[REG_R9])},
            &found[REG_RAX]};
}
#elif defined(__aarch64__)
struct Registers {
    long words[6];
    unsigned long long* result;
};
Registers registers_of(void* context) {
    auto& found = static_cast<ucontext_t*>(context)->uc_mcontext.regs;
    Registers registers{{}, &found[0]};
    for (int i = 0; i < 6; ++i)
        registers.words[i] = static_cast<long>(found[i]);
    return registers;
}
#endif
void count_and_make(int, siginfo_t* info, void* context) {
    const int saved = errno;
    const Registers registers = registers_of(context);
    ++calls_made;
    long result = -EPERM;
    bool refused = false;
    for (int number : kRefused)
        refused |= number == info->si_syscall;
    if (refused)
        ++calls_refused;
    else if ((result = make_call(info->si_syscall, registers.words)) == -1)
        result = -errno;
    *registers.result = static_cast<decltype(+*registers.result)>(result);
    errno = saved;
}

// Objects and blocks come and go, without growth: what the allocator cannot give back this way it does not
// try to give back at every free.
void calls_at_frees() {
    const seccomp::Range own_code = seccomp::code_around(dlsym(RTLD_DEFAULT, "malloc"));
    all_single();
    on_caught(count_and_make);
    seccomp::Filter filter;
    filter.from_outside(own_code, SECCOMP_RET_ALLOW);
    filter.otherwise(SECCOMP_RET_TRAP);
    filter.install();
    use(1000, 40000);
    const size_t before = calls_made, refused_before = calls_refused;
    churn();
    for (int i = 0; i < 1000; ++i)
        use(200000, 5);
    use(50000, 5000);
    printf("%zu calls at 330,000 frees, %zu of them refused\n", calls_made - before,
           calls_refused - refused_before);
    fflush(stdout);
    require(calls_refused - refused_before < 1000, "what was refused is not tried at every free");
    require(calls_made - before < 6000, "nor is anything else called at every free");
}

}  // namespace

int main(int count, char** arguments) {
    if (count > 2) listed = arguments[2];
    return check::run(count, arguments,
                      {{"small", [] { only_listed(small); }},
                       {"medium", [] { only_listed(medium); }},
                       {"large", [] { only_listed(large); }},
                       {"growth", [] { only_listed(growth); }},
                       {"churn", [] { only_listed(churn); }},
                       {"threads", [] { only_listed_of_its_own(threads); }},
                       {"idle", [] { only_listed_of_its_own(idle); }},
                       {"many_idle", [] { only_listed_of_its_own(many_idle); }},
                       {"children", [] { only_listed_of_its_own(children); }},
                       {"refused_advice",
                        [] {
                            refuse_advice(all_single, [] {
                                children();
                                all_single();
                            });
                        }},
                       {"refused_advice_briefly", [] { refuse_advice(each_briefly, few); }},
                       {"calls_at_frees", calls_at_frees}});
}
