// SPDX-License-Identifier: MIT
#include "entry/foreign.h"

#include <stdlib.h>

#include "cache/hardened.h"
#include "entry/misuse.h"
#include "os/os.h"
#include "stats/stats.h"

// libc's own, past our symbols; absent in static programs.
extern "C" [[gnu::weak]] void __libc_free(void*);

namespace tarn {

namespace {

// The header of a glibc chunk: size and three flags in the word before the block. 1 = previous in use,
// 2 = mapped by itself, 4 = not of the main arena (glibc, malloc/malloc.c, "malloc_chunk").
bool plausible(const void* p) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(p);
    if (at % kAlignment != 0 || at < os::kPageSize) return false;
    const char* const header = static_cast<const char*>(p) - 16;
    if (!os::readable(header, 16)) return false;
    const size_t previous = *reinterpret_cast<const size_t*>(header);
    const size_t word = *reinterpret_cast<const size_t*>(header + 8);
    const size_t size = word & ~size_t{7};
    if (word & 2)
        return (at - 16 - previous) % os::page_size() == 0 && (size + previous) % os::page_size() == 0;
    if (size < 32 || size % 16 != 0 || (word & 8)) return false;
    // The next chunk must be there and look like one.
    const char* const next = header + size;
    if (!os::readable(next + 8, 8)) return false;
    const size_t next_word = *reinterpret_cast<const size_t*>(next + 8);
    return (next_word & 1) && (next_word & ~size_t{7}) >= 16;
}

}  // namespace

size_t libc_size(const void* pointer) {
    constexpr size_t kSmallestChunk = 32;
    if (!__libc_free || in_window(pointer) || !plausible(pointer)) return 0;
    const size_t word = *(static_cast<const size_t*>(pointer) - 1);
    const size_t chunk = word & ~size_t{7};
    return chunk < kSmallestChunk ? 0 : chunk - ((word & 2) ? 16 : 8);
}

namespace {

// The hardened mode takes nobody's word for it: where free has been tarn's from the start, libc has made nothing that comes here.
bool libc_has_made_none() {
    void (*const named)(void*) = ::free;
    return hardened::serves() && named != __libc_free;
}

}  // namespace

void release_foreign(void* pointer) {
    if (libc_has_made_none()) die_nobodys(pointer);
    if (in_window(pointer) || !__libc_free || !plausible(pointer)) die_nobodys(pointer);
    count_foreign_free();
    __libc_free(pointer);
}

}  // namespace tarn
