// SPDX-License-Identifier: MIT
// malloc_trim, mallinfo, malloc_info, malloc_stats, mallopt: they do what their manual says.
#include <stdint.h>

#include <cstdio>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;

namespace {

constexpr size_t kLive = 98 * kMiB;
constexpr size_t kSize = 1000;
constexpr size_t kCount = kLive / kSize;
void* objects[kCount];

void fill() {
    for (void*& object : objects)
        memset(object = malloc(kSize), 1, kSize);
}
void clear() {
    for (void* object : objects)
        free(object);
}

void trim_returns_memory() {
    fill();
    require(process::resident() > kLive, "98 MiB are resident");
    clear();
    require(malloc_trim(0) <= 1, "returns 0 or 1");
    require(process::resident() < 20 * kMiB, "nearly all has gone back to the system");
}

// 3 MiB are below what any allocator hurries to return; one object keeps the top of the heap in use.
void trim_says_so() {
    constexpr size_t kSome = 3 * kMiB / kSize;
    for (size_t i = 0; i < kSome; ++i)
        memset(objects[i] = malloc(kSize), 1, kSize);
    opaque(malloc(kSize));
    size_t live = process::resident();
    for (size_t i = 0; i < kSome; ++i)
        free(objects[i]);
    size_t freed = process::resident();
    require(malloc_trim(0) == 1, "returns 1 when memory went back");
    require(process::resident() < freed, "and memory did go back");
    require(process::resident() + 2 * kMiB < live, "nearly all that was freed");
}

void trim_keeps_contents() {
    for (size_t i = 0; i < kCount; ++i)
        memset(objects[i] = malloc(kSize), static_cast<int>(i & 0x7f), kSize);
    for (size_t i = 0; i < kCount; i += 2)
        free(objects[i]);
    malloc_trim(0);
    for (size_t i = 1; i < kCount; i += 2) {
        auto* bytes = static_cast<unsigned char*>(objects[i]);
        require(bytes[0] == (i & 0x7f) && bytes[kSize - 1] == (i & 0x7f), "live objects are as they were");
        free(bytes);
    }
}

size_t live(const struct mallinfo2& info) {
    return info.uordblks + info.hblkhd;
}

void mallinfo2_shows_live() {
    size_t before = live(mallinfo2());
    fill();
    size_t shown = live(mallinfo2()) - before;
    require(shown >= kLive - kMiB && shown < kLive + kLive / 4, "98 MiB live are shown");
    clear();
    require(live(mallinfo2()) < before + 8 * kMiB, "and gone when freed");
}

void mallinfo2_shows_large() {
    size_t before = live(mallinfo2());
    void* blocks[7];
    for (void*& block : blocks)
        memset(block = malloc(14 * kMiB), 1, 14 * kMiB);
    size_t shown = live(mallinfo2()) - before;
    require(shown >= kLive && shown < kLive + kLive / 4, "98 MiB live are shown");
    for (void* block : blocks)
        free(block);
    require(live(mallinfo2()) < before + 8 * kMiB, "and gone when freed");
}

void mallinfo_shows_live() {
    fill();
    struct mallinfo info = mallinfo();
    size_t shown = static_cast<size_t>(info.uordblks) + static_cast<size_t>(info.hblkhd);
    require(shown >= kLive - kMiB && shown < kLive + kLive / 4, "98 MiB live are shown");
}

// The scenario that calls this parses what is printed.
void info_xml() {
    fill();
    require(malloc_info(0, stdout) == 0, "succeeds");
}

void info_into_memory() {
    char* text = nullptr;
    size_t length = 0;
    FILE* stream = open_memstream(&text, &length);
    require(malloc_info(0, stream) == 0, "succeeds though the stream itself allocates");
    fclose(stream);
    require(length > 20 && strncmp(text, "<malloc", 7) == 0, "XML arrives");
    require(strstr(text, "</malloc>") != nullptr, "to its end");
    free(text);
}

void info_refuses_options() {
    require(malloc_info(1, stdout) != 0, "options other than 0 are refused");
    fflush(stdout);
}

void stats() {
    fill();
    malloc_stats();
}

void mallopt_takes_known() {
    for (int parameter : {M_MXFAST, M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_MMAP_MAX, M_CHECK_ACTION,
                          M_ARENA_TEST, M_ARENA_MAX})
        require(mallopt(parameter, parameter == M_MXFAST ? 64 : 1 << 17) == 1, "returns 1");
    require(malloc_usable_size(opaque(malloc(100))) >= 100, "malloc goes on as before");
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"trim_returns_memory", trim_returns_memory},
                       {"trim_says_so", trim_says_so},
                       {"trim_keeps_contents", trim_keeps_contents},
                       {"mallinfo2_shows_live", mallinfo2_shows_live},
                       {"mallinfo2_shows_large", mallinfo2_shows_large},
                       {"mallinfo_shows_live", mallinfo_shows_live},
                       {"info_xml", info_xml},
                       {"info_into_memory", info_into_memory},
                       {"info_refuses_options", info_refuses_options},
                       {"stats", stats},
                       {"mallopt_takes_known", mallopt_takes_known}});
}
