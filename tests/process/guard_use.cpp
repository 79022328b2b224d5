// SPDX-License-Identifier: MIT
// Programs that use guarded objects well: what malloc promises holds of them, so many are taken as were asked for, and what they
// take is bounded.
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>

#include "guard_objects.h"
#include "process.h"
#include "seccomp.h"

namespace {

// What malloc promises, of guarded objects: whatever may be touched is, and keeps what is in it.
struct Made {
    char* at;
    size_t size, usable;
    char value;
};
uint64_t next(uint64_t& state) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}
bool is_filled(const char* at, size_t size, char value) {
    for (size_t i = 0; i < size; ++i)
        if (at[i] != value) return false;
    return true;
}
void fill(Made& made, uint64_t random) {
    made.usable = malloc_usable_size(made.at);
    made.value = static_cast<char>(random >> 40);
    require(made.usable >= made.size, "so much was asked for");
    memset(made.at, made.value, made.usable);
}
void one_step(Made& made, uint64_t& state) {
    const uint64_t random = next(state);
    const size_t size = random % 16 == 0 ? random / 16 % 12000 : random / 16 % 600;
    if (made.at && random >> 60 < 6) {
        const size_t kept = made.usable < size ? made.usable : size;
        made.at = static_cast<char*>(realloc(made.at, size + 1));
        require(made.at && is_filled(made.at, kept, made.value), "realloc keeps what fits");
        made.size = size + 1;
        return fill(made, random);
    }
    if (made.at) {
        require(is_filled(made.at, made.usable, made.value), "nobody wrote to it");
        free(made.at);
    }
    made.size = size;
    const size_t alignment = size_t{8} << (random >> 32) % 7;
    switch (random >> 50 & 3) {
        case 0:
            made.at = static_cast<char*>(calloc(size, 1));
            require(made.at && is_filled(made.at, size, 0), "calloc clears");
            break;
        case 1:
            require(posix_memalign(reinterpret_cast<void**>(&made.at), alignment, size) == 0, "memory");
            require(address(made.at) % alignment == 0, "it is aligned");
            break;
        default:
            made.at = static_cast<char*>(malloc(size));
            require(made.at && address(made.at) % 16 == 0, "as malloc aligns");
    }
    fill(made, random);
}
void* works(void* seed) {
    Made made[64] = {};
    uint64_t state = reinterpret_cast<uintptr_t>(seed) * 0x9e3779b97f4a7c15 + 1;
    for (int i = 0; i < (check::is_long() ? 20000 : 8000); ++i)
        one_step(made[next(state) % 64], state);
    for (Made& each : made)
        free(each.at);
    return nullptr;
}
void correct(size_t count) {
    pthread_t threads[8];
    for (size_t i = 0; i < count; ++i)
        require(pthread_create(&threads[i], nullptr, works, reinterpret_cast<void*>(i + 1)) == 0, "a thread");
    for (size_t i = 0; i < count; ++i)
        pthread_join(threads[i], nullptr);
    const tarn_stats now = stats();
    require(now.guarded_allocations > 100, "guarded objects were among them");
    require(now.guard_faults == 0, "and no fault");
}

// How often samples are taken: says allocations and samples.
void* allocates_by_waves(void* waves) {
    static constexpr size_t kWave = 3000;
    char** const made = static_cast<char**>(
        mmap(nullptr, kWave * sizeof(char*), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    uint64_t state = 88172645463325252 + reinterpret_cast<uintptr_t>(waves);
    for (size_t wave = 0; wave < reinterpret_cast<uintptr_t>(waves); ++wave) {
        for (size_t i = 0; i < kWave; ++i)
            made[i] = static_cast<char*>(malloc(next(state) % 200 + 1));
        for (size_t i = 0; i < kWave; ++i)
            free(made[i]);
    }
    return nullptr;
}
void rate(const char* how, size_t waves, size_t threads) {
    const tarn_stats before = stats();
    if (!strcmp(how, "waves")) {
        pthread_t all[8];
        for (size_t i = 0; i < threads; ++i)
            pthread_create(&all[i], nullptr, allocates_by_waves, reinterpret_cast<void*>(waves));
        for (size_t i = 0; i < threads; ++i)
            pthread_join(all[i], nullptr);
    } else {
        for (size_t i = 0; i < waves; ++i)
            free(check::opaque(malloc(64)));
    }
    const tarn_stats now = stats();
    printf("%llu %llu\n", static_cast<unsigned long long>(now.small_allocations - before.small_allocations),
           static_cast<unsigned long long>(now.guarded_allocations - before.guarded_allocations));
}

size_t mappings() {
    static char maps[1 << 20];
    process::read_file("/proc/self/maps", maps, sizeof maps);
    size_t lines = 0;
    for (const char* at = maps; *at; ++at)
        lines += *at == '\n';
    return lines;
}
// Says how many objects were guarded at once, and how many mappings came with them.
void bounds(size_t objects) {
    char** const made = static_cast<char**>(
        mmap(nullptr, objects * sizeof(char*), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    const size_t before = mappings();
    for (int round = 0; round < 3; ++round) {
        for (size_t i = 0; i < objects; ++i)
            made[i] = static_cast<char*>(malloc(100));
        for (size_t i = 0; i < objects; ++i)
            free(made[i]);
    }
    for (size_t i = 0; i < objects; ++i)
        made[i] = static_cast<char*>(malloc(100));
    const tarn_stats now = stats();
    printf("%llu %zu %llu\n", static_cast<unsigned long long>(now.guarded_live), mappings() - before,
           static_cast<unsigned long long>(now.guarded_allocations));
}

// As on a kernel that has no guards inside of mappings.
void run_without_guards_inside(char** command) {
    constexpr unsigned kInstall = 102;
    sock_filter rules[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
                           BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
                           BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kInstall, 0, 1),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    sock_fprog program = {sizeof rules / sizeof *rules, rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        check::give_up("system calls cannot be filtered here", check::kCannotTest);
    execv(command[0], command);
    check::fail("the command runs");
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 2) check::give_up("which fact?", 2);
    const auto is = [=](const char* name) { return !strcmp(arguments[1], name); };
    if (is("without_guards_inside"))
        run_without_guards_inside(arguments + 2);
    else if (is("correct"))
        correct(argument(arguments, 2));
    else if (is("rate"))
        rate(arguments[2], argument(arguments, 3), argument(arguments, 4));
    else if (is("bounds"))
        bounds(argument(arguments, 2));
    else
        check::give_up("no such fact in this program", 2);
}
