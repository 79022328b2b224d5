// SPDX-License-Identifier: MIT
// Little address space, locked memory, huge pages: what the process looks like to the kernel. The limits
// themselves are set by the runner.
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstdio>
#include <iterator>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;

namespace {

void* objects[65536];

void use_twenty_mib() {
    for (int round = 0; round < 3; ++round) {
        for (size_t i = 0; i < 20 * kMiB / 512; ++i) {
            require((objects[i] = malloc(500)) != nullptr, "20 MiB of objects are no problem");
            memset(objects[i], 1, 500);
        }
        for (size_t i = 0; i < 20 * kMiB / 512; ++i)
            free(objects[i]);
        void* large = malloc(10 * kMiB);
        require(large != nullptr, "a large block as well");
        free(memset(large, 1, 10 * kMiB));
    }
}

// Takes everything there is, in pieces of one size; then gives it back and goes on.
void exhaust(size_t size) {
    free(malloc(100000));  // whatever serves this is loaded while there is room
    void* list = nullptr;
    size_t count = 0;
    for (;;) {
        errno = 0;
        void** object = static_cast<void**>(malloc(size));
        if (!object) break;
        *object = list;
        list = object;
        ++count;
    }
    require(errno == ENOMEM, "errno is ENOMEM when there is no more");
    require(count * size > 16 * kMiB, "most of the limit could be used");
    while (list) {
        void* next = *static_cast<void**>(list);
        free(list);
        list = next;
    }
    for (int i = 0; i < 1000; ++i)
        require((objects[i] = malloc(size)) != nullptr || size > 4096, "works again");
    for (int i = 0; i < 1000; ++i)
        free(objects[i]);
}
void exhaust_small() {
    exhaust(100);
}
void exhaust_medium() {
    exhaust(20000);
}
void exhaust_large() {
    exhaust(700000);
}

void large_after_small() {
    exhaust(100);
    void* block = malloc(8 * kMiB);
    require(block != nullptr, "what small objects held serves large ones");
    free(memset(block, 1, 8 * kMiB));
}

void small_after_large() {
    exhaust(700000);
    for (size_t i = 0; i < 8 * kMiB / 512; ++i)
        require((objects[i] = malloc(500)) != nullptr, "what large blocks held serves small objects");
}

void* allocate_in_thread(void*) {
    void* mine[1000];
    for (void*& object : mine)
        require((object = malloc(1000)) != nullptr, "malloc succeeds in a thread");
    for (void* object : mine)
        free(memset(object, 1, 1000));
    free(malloc(kMiB));
    return nullptr;
}

void eight_threads() {
    pthread_t threads[8];
    for (int round = 0; round < 5; ++round) {
        for (pthread_t& thread : threads)
            require(!pthread_create(&thread, nullptr, allocate_in_thread, nullptr), "a thread starts");
        for (pthread_t thread : threads)
            pthread_join(thread, nullptr);
    }
}

void require_little_writable() {
    require(process::status_bytes("VmData:") < 512 * kMiB,
            "little is writable, so little would be populated");
}

void locked_memory() {
    require_little_writable();
    rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_MEMLOCK, &all);
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) check::give_up("may not lock memory", check::kCannotTest);
    require(process::resident() < 48 * kMiB, "little is resident once all is locked");
    use_twenty_mib();
    free(calloc(1, 100));
    require(process::resident() < 128 * kMiB, "nor after 30 MiB were used");
}

// Touches every page that mlockall(MCL_CURRENT) would, which needs no privilege.
void populated_memory() {
    constexpr int kPopulateWrite = 23;
    static char maps[1 << 18];
    free(malloc(100));
    require_little_writable();
    process::read_file("/proc/self/maps", maps, sizeof maps);
    for (char* line = strtok(maps, "\n"); line; line = strtok(nullptr, "\n")) {
        unsigned long from = 0, to = 0;
        char access[8] = "";
        if (sscanf(line, "%lx-%lx %7s", &from, &to, access) == 3 && !strcmp(access, "rw-p"))
            madvise(reinterpret_cast<void*>(from), to - from, kPopulateWrite);
    }
    require(process::resident() < 48 * kMiB, "little is resident once all that is writable is");
}

// What overcommit_memory=2 charges: private writable mappings. The reserve must not be one.
void little_is_charged() {
    free(malloc(100));
    require(process::status_bytes("VmData:") < 24 * kMiB, "next to nothing is charged at start");
    for (size_t i = 0; i < 20 * kMiB / 512; ++i)
        memset(objects[i] = malloc(500), 1, 500);
    require(process::status_bytes("VmData:") < 56 * kMiB, "then about what is used");
}

void few_small_objects_have_no_huge_pages() {
    for (size_t i = 0; i < 28 * kMiB / 1024; ++i)
        memset(objects[i] = malloc(1000), 1, 1000);
    require(process::rollup_bytes("AnonHugePages:") == 0, "no huge page");
}

// What goes back of them does so in pieces, whatever lies beside it, and comes again in ordinary pages.
void many_small_objects_have_few_too_many() {
    constexpr size_t kCount = 65536, kSize = 1024;
    static_assert(kCount * kSize == 64 * kMiB && kCount <= std::size(objects));
    const size_t before = process::resident();
    for (size_t i = 0; i < kCount; ++i)
        memset(objects[i] = malloc(kSize), 1, kSize);
    require(process::rollup_bytes("AnonHugePages:") <= 34 * kMiB, "from 32 MiB on");
    require(process::resident() < before + 68 * kMiB, "one is ahead at most");
    for (size_t i = 0; i < kCount; ++i)
        if (i % 256 >= 16) free(objects[i]);
    malloc_trim(0);
    require(process::resident() < before + 8 * kMiB, "what is free went back");
    for (size_t i = 0; i < kCount; ++i)
        if (i % 256 < 16) free(objects[i]);
}

// As long as `bytes` in blocks of 1 MiB are there, each is freed and taken anew several times.
void use_blocks(size_t bytes, size_t written) {
    constexpr size_t kSize = kMiB;
    const size_t count = bytes / kSize;
    for (size_t i = 0; i < 8 * count; ++i) {
        free(objects[i % count]);
        memset(objects[i % count] = malloc(kSize), 1, written);
    }
    for (size_t i = count; i < 2 * count; ++i)
        memset(objects[i] = malloc(kSize), 1, written);
}

// Finds the mapping of `address` in /proc/self/smaps and says whether its VmFlags hold `flag`.
bool mapping_has_flag(const void* address, const char* flag) {
    FILE* smaps = fopen("/proc/self/smaps", "r");
    char line[4096];
    bool inside = false, found = false;
    while (fgets(line, sizeof line, smaps)) {
        unsigned long from = 0, to = 0;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = reinterpret_cast<uintptr_t>(address) - from < to - from;
        if (inside && !strncmp(line, "VmFlags:", 8)) found = strstr(line, flag) != nullptr;
    }
    fclose(smaps);
    return found;
}

// Where huge pages are "always" on, only this mark keeps them away.
void huge_pages_are_forbidden() {
    require(mapping_has_flag(malloc(1000), " nh"), "marked as never huge");
}
void huge_pages_are_asked_for() {
    require(mapping_has_flag(malloc(1000), " hg"), "marked as huge");
}

// Whether any mapping is so marked.
bool huge_pages_wanted() {
    FILE* smaps = fopen("/proc/self/smaps", "r");
    char line[4096];
    bool found = false;
    while (fgets(line, sizeof line, smaps))
        if (!strncmp(line, "VmFlags:", 8) && strstr(line, " hg")) found = true;
    fclose(smaps);
    return found;
}
void few_blocks_are_not_huge() {
    use_blocks(5 * kMiB, kMiB);
    require(!huge_pages_wanted(), "5 MiB in blocks, 10 at the end: none is marked as huge");
}
void dense_blocks_are_huge() {
    use_blocks(40 * kMiB, kMiB);
    require(huge_pages_wanted(), "blocks that are written whole are marked as huge");
}
void fresh_dense_blocks_are_huge() {
    for (size_t i = 0; i < 40; ++i)
        memset(objects[i] = malloc(kMiB), 1, kMiB);
    require(huge_pages_wanted(), "nothing was freed, but the blocks before were written");
}
void fresh_untouched_blocks_are_not_huge() {
    for (size_t i = 0; i < 400; ++i)
        memset(objects[i] = malloc(kMiB), 1, 1);
    require(!huge_pages_wanted(), "nothing says that huge pages would be filled");
}
void sparse_blocks_are_not_huge() {
    use_blocks(40 * kMiB, kMiB / 2);
    require(!huge_pages_wanted(), "blocks that are half written are not marked as huge");
}
void dense_growth_is_huge() {
    char* block = nullptr;
    for (size_t size = kMiB, old = 0; size <= 32 * kMiB; old = size, size *= 2) {
        block = static_cast<char*>(realloc(block, size));
        memset(block + old, 1, size - old);
    }
    require(mapping_has_flag(block + kMiB, " hg"), "a block that is written as it grows is marked as huge");
    for (size_t i = 0; i < 32 * kMiB; i += 4096)
        require(block[i] == 1, "and keeps its contents");
}
void no_block_is_huge() {
    use_blocks(40 * kMiB, kMiB);
    void* grown = realloc(memset(malloc(20 * kMiB), 1, 20 * kMiB), 60 * kMiB);
    require(grown && !huge_pages_wanted(), "nothing is marked as huge");
    require(process::rollup_bytes("AnonHugePages:") == 0, "no huge page");
}

void idle_process_is_small() {
    free(malloc(100));
    require(process::resident() < 6 * kMiB, "an idle program stays small");
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"use_twenty_mib", use_twenty_mib},
                       {"exhaust_small", exhaust_small},
                       {"exhaust_medium", exhaust_medium},
                       {"exhaust_large", exhaust_large},
                       {"large_after_small", large_after_small},
                       {"small_after_large", small_after_large},
                       {"eight_threads", eight_threads},
                       {"locked_memory", locked_memory},
                       {"populated_memory", populated_memory},
                       {"little_is_charged", little_is_charged},
                       {"few_small_objects_have_no_huge_pages", few_small_objects_have_no_huge_pages},
                       {"many_small_objects_have_few_too_many", many_small_objects_have_few_too_many},
                       {"huge_pages_are_forbidden", huge_pages_are_forbidden},
                       {"huge_pages_are_asked_for", huge_pages_are_asked_for},
                       {"few_blocks_are_not_huge", few_blocks_are_not_huge},
                       {"dense_blocks_are_huge", dense_blocks_are_huge},
                       {"fresh_dense_blocks_are_huge", fresh_dense_blocks_are_huge},
                       {"fresh_untouched_blocks_are_not_huge", fresh_untouched_blocks_are_not_huge},
                       {"sparse_blocks_are_not_huge", sparse_blocks_are_not_huge},
                       {"dense_growth_is_huge", dense_growth_is_huge},
                       {"no_block_is_huge", no_block_is_huge},
                       {"idle_process_is_small", idle_process_is_small}});
}
