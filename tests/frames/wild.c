/* SPDX-License-Identifier: MIT
 * Providers that say anything: pointers that lead nowhere, lengths that are too long, frames without end.
 */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tarn/frames.h"

static void* volatile kept; /* or the compiler leaves both away */
static char* page;          /* what can be read ends with it */
static long taken;          /* frames that tarn took of the endless one, at most */
static int refused;         /* reads of what is not there that succeeded */

static void wild(tarn_frames* frames, void* data) {
    (void)data;
    const char* const nowhere[] = {
        NULL, (char*)8, (char*)0x7ffffffff000, (char*)-4096, (char*)0xdead00000000, page + 4096};
    char copied[64];
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; ++i) {
        tarn_frame one = {nowhere[i], nowhere[i], 20, 4000000000u, 4000000000u, ~0u, nowhere[i]};
        if (frames->read(frames, nowhere[i], copied, sizeof copied) == 0) ++refused;
        if (frames->add(frames, &one) != 0) return;
    }
    /* Half of it is there. */
    tarn_frame half = {page + 4096 - 8, page + 4096 - 8, 8, 16, 7, 0, &half};
    if (frames->read(frames, page + 4096 - 8, copied, 16) == 0) ++refused;
    frames->add(frames, &half);
    tarn_frame tabs = {"tab\there", "a\tb", 8, 3, 1, 0, NULL};
    frames->add(frames, &tabs);
    memset(frames->scratch, 0x5a, frames->scratch_size);
}

static void endless(tarn_frames* frames, void* data) {
    (void)data;
    long count = 0;
    tarn_frame one = {"again", "endless", 5, 7, 1, 0, NULL};
    while (frames->add(frames, &one) == 0)
        ++count;
    if (count > taken) taken = count;
}

static void nothing(tarn_frames* frames, void* data) {
    (void)frames, (void)data;
}

static const tarn_frames_provider providers[] = {
    {sizeof providers[0], "wild", "says anything", wild, NULL, NULL, 0},
    {sizeof providers[0], "endless", NULL, endless, NULL, (void*)1, (size_t)-1},
    {sizeof providers[0], "nothing", NULL, nothing, NULL, NULL, 0},
    {sizeof providers[0], "declined", "is not known", NULL, NULL, NULL, 0},
    {sizeof providers[0], "one too many", NULL, nothing, NULL, NULL, 0},
};

int main(void) {
    page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || mprotect(page + 4096, 4096, PROT_NONE) != 0) return 2;
    memset(page, 'x', 4096);
    tarn_frames_provider older = providers[0];
    older.size = 8;
    if (tarn_frames_register(&older) != -1 || tarn_frames_register(NULL) != -1) return 3;
    for (int i = 0; i < 5; ++i)
        if (tarn_frames_register(&providers[i]) != (i < 4 ? 0 : -1)) return 4;
    for (int i = 0; i < 2000; ++i)
        free(kept = malloc(1000));
    printf("%ld %d\n", taken, refused);
    return 0;
}
