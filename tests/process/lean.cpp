// SPDX-License-Identifier: MIT
// What stays resident where little is used, and where much came free that what is used lies among.
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;

namespace {

constexpr size_t kPage = 4096;
constexpr uintptr_t kWindow = uintptr_t{64} << 20, kHeader = 5 * (16 << 10);  // src/pages/page_map.h

int pagemap = -1;

// Its page is there, and says something: a page of zeros that was only read is nobody's memory.
bool touched(uintptr_t page) {
    uint64_t entry = 0;
    require(
        pread(pagemap, &entry, sizeof entry, static_cast<off_t>(page / kPage * sizeof entry)) == sizeof entry,
        "the page map is read");
    if (entry >> 63 == 0) return false;
    for (size_t i = 0; i < kPage; ++i)
        if (reinterpret_cast<const char*>(page)[i]) return true;
    return false;
}

size_t touched_in(uintptr_t begin, uintptr_t end) {
    size_t pages = 0;
    for (uintptr_t page = begin / kPage * kPage; page < end; page += kPage)
        pages += touched(page);
    return pages;
}

// What the library writes of its own: data and zeroed data, without what it reads of the file.
int add_written(dl_phdr_info* info, size_t, void* pages) {
    if (!strstr(info->dlpi_name, "libtarn.so")) return 0;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr)& part = info->dlpi_phdr[i];
        if (part.p_type != PT_LOAD || !(part.p_flags & PF_W)) continue;
        const uintptr_t begin = info->dlpi_addr + part.p_vaddr;
        *static_cast<size_t*>(pages) += touched_in(begin, begin + part.p_memsz);
    }
    return 0;
}

// Below 2 TiB lie the windows, the table and the caches of threads, and nothing else (but for a program at a
// fixed address).
size_t metadata_below(uintptr_t limit) {
    static char text[1 << 16];
    process::read_file("/proc/self/maps", text, sizeof text);
    size_t pages = 0;
    for (char* line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : nullptr) {
        uintptr_t begin, end;
        char rights[5];
        if (sscanf(line, "%lx-%lx %4s", &begin, &end, rights) != 3 || begin >= limit || rights[1] != 'w')
            continue;
        const bool window = begin % kWindow == 0;
        pages += touched_in(begin, window ? begin + kHeader : end);
    }
    return pages;
}

void hundred_objects() {
    pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    require(pagemap >= 0, "there is a page map");
    for (size_t i = 0; i < 100; ++i)
        opaque(memset(malloc(16 + i * 16 % 1000), 1, 16));
    size_t pages = metadata_below(uintptr_t{2} << 40);
    require(pages > 0, "windows are found");
    dl_iterate_phdr(add_written, &pages);
    printf("%zu pages\n", pages);
    fflush(stdout);
    require(pages <= 12,
            "100 objects of many sizes: tarn writes to 12 pages of its own at most, start included");
}

constexpr size_t kThreads = 2000, kSizes = 12, kEach = 3;
constexpr size_t sizes[kSizes] = {16, 24, 40, 64, 100, 128, 200, 256, 400, 512, 700, 1024};
pthread_barrier_t all;

void* has_few(void*) {
    void* objects[kSizes][kEach];
    for (size_t i = 0; i < kSizes; ++i)
        for (void*& object : objects[i])
            object = memset(malloc(sizes[i]), 1, sizes[i]);
    pthread_barrier_wait(&all);
    pthread_barrier_wait(&all);
    for (auto& row : objects)
        for (void* object : row)
            free(object);
    return nullptr;
}

// A stack and what libc has of a thread take some 12 KiB, the objects 10.
void threads_of_few_objects() {
    static pthread_t threads[kThreads];
    pthread_barrier_init(&all, nullptr, kThreads + 1);
    pthread_attr_t small_stack;
    pthread_attr_init(&small_stack);
    pthread_attr_setstacksize(&small_stack, 64 << 10);
    const size_t before = process::resident();
    for (pthread_t& thread : threads)
        require(!pthread_create(&thread, &small_stack, has_few, nullptr), "a thread starts");
    pthread_barrier_wait(&all);
    const size_t each = (process::resident() - before) / kThreads;
    pthread_barrier_wait(&all);
    for (pthread_t thread : threads)
        pthread_join(thread, nullptr);
    printf("%zu bytes each\n", each);
    fflush(stdout);
    require(each < 28 << 10, "a thread that waits with 36 objects of 12 sizes has no page for each");
}

// Entries of a cache, of which the oldest go when there are too many bytes of them.
struct Cache {
    static constexpr size_t kEntries = 1 << 18, kMost = 16 * kMiB;
    static inline void* objects[kEntries];
    static inline size_t bytes[kEntries];
    size_t head = 0, tail = 0, live = 0;

    void add(size_t size) {
        while (live + size > kMost || head - tail == kEntries) {
            free(objects[tail % kEntries]);
            live -= bytes[tail++ % kEntries];
        }
        objects[head % kEntries] = memset(opaque(malloc(size)), 1, size);
        bytes[head++ % kEntries] = size;
        live += size;
    }
};

void sizes_drift() {
    process::Random random{1};
    Cache cache;
    const size_t before = process::resident();
    for (size_t base = 64; base < 600; base += 54)
        for (size_t step = 0; step < 200000; ++step)
            cache.add(base / 2 + random.below(base));
    const size_t now = process::resident() - before - sizeof Cache::objects - sizeof Cache::bytes;
    printf("%.2f times what is live\n", static_cast<double>(now) / static_cast<double>(cache.live));
    fflush(stdout);
    require(now < cache.live * 9 / 5, "a cache whose sizes drift takes less than 1.8 times what is live");
}

// Of each size much is made, of which every 64th object stays.
void few_stay() {
    constexpr size_t kObjects = 60000;
    static void* objects[kObjects];
    size_t made = 0;
    for (size_t size = 128; size <= 1024; size += 128) {
        for (void*& object : objects)
            object = memset(opaque(malloc(size)), 1, size);
        for (size_t i = 0; i < kObjects; ++i)
            if (i % 64) free(objects[i]);
        made += kObjects * size;
    }
    const size_t before = process::resident();
    require(before < made / 2, "much of what was freed went back by itself");
    malloc_trim(0);
    const size_t after = process::resident();
    printf("%zu MiB made, %zu, trimmed %zu\n", made / kMiB, before / kMiB, after / kMiB);
    fflush(stdout);
    require(after < made / 4, "what lies free on whole pages goes back at malloc_trim");
}

size_t mappings() {
    static char text[1 << 20];
    process::read_file("/proc/self/maps", text, sizeof text);
    size_t lines = 0;
    for (const char* at = text; (at = strchr(at, '\n')); ++at)
        ++lines;
    return lines;
}

// A mapping that a fork has copied does not merge with a new one beside it.
void few_stay_in_a_child() {
    constexpr size_t kObjects = 2000000;
    static void* objects[kObjects];
    for (void*& object : objects)
        object = memset(opaque(malloc(64)), 1, 64);
    const pid_t child = fork();
    if (child == 0) {
        const size_t before = mappings();
        for (size_t i = 0; i < kObjects; ++i)
            if (i % 128) free(objects[i]);
        for (size_t i = 0; i < 8000; ++i)
            objects[i % 128 ? i : 0] = memset(opaque(malloc(4096)), 1, 4096);
        const size_t after = mappings();
        printf("%zu and %zu mappings\n", before, after);
        fflush(stdout);
        _exit(after < before + 50 ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    require(status == 0, "pages that go back cost no mappings");
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"hundred_objects", hundred_objects},
                       {"threads_of_few_objects", threads_of_few_objects},
                       {"sizes_drift", sizes_drift},
                       {"few_stay", few_stay},
                       {"few_stay_in_a_child", few_stay_in_a_child}});
}
