// SPDX-License-Identifier: MIT
#include "export/introspection.h"

#include <errno.h>
#include <limits.h>

#include "export/own_report.h"

namespace tarn {

namespace {

int clamp(size_t value) {
    return value > INT_MAX ? INT_MAX : static_cast<int>(value);
}

}  // namespace

void print_malloc_stats() {
    Snapshot snapshot;
    read_snapshot(snapshot);
    send_own_report(2, snapshot, StatsFormat::kText);
}

// As malloc_info(3): one heap with its totals; `size` entries are our size classes with free objects.
int print_malloc_info(int flags, FILE* stream) {
    if (flags != 0) return EINVAL;
    Snapshot snapshot;
    read_snapshot(snapshot);
    fputs("<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n", stream);
    uint64_t free_bytes = 0, free_count = 0;
    for (uint32_t i = 0; i < snapshot.classes; ++i) {
        const tarn_class_stats& c = snapshot.class_stats[i];
        if (c.slab_bytes == 0 || c.slab_bytes < c.live_bytes) continue;
        const uint64_t count = (c.slab_bytes - c.live_bytes) / c.object_size;
        free_bytes += count * c.object_size;
        free_count += count;
        fprintf(stream, "  <size from=\"%lu\" to=\"%lu\" total=\"%lu\" count=\"%lu\"/>\n",
                i ? snapshot.class_stats[i - 1].object_size + 1 : 1, c.object_size, count * c.object_size,
                count);
    }
    fprintf(stream, "</sizes>\n<total type=\"fast\" count=\"0\" size=\"0\"/>\n");
    fprintf(stream, "<total type=\"rest\" count=\"%lu\" size=\"%lu\"/>\n", free_count, free_bytes);
    fprintf(stream, "<system type=\"current\" size=\"%lu\"/>\n", snapshot.committed);
    fprintf(stream, "<system type=\"max\" size=\"%lu\"/>\n", snapshot.committed);
    fprintf(stream, "<aspace type=\"total\" size=\"%lu\"/>\n", snapshot.reserved);
    fprintf(stream, "<aspace type=\"mprotect\" size=\"%lu\"/>\n</heap>\n", snapshot.committed);
    fprintf(stream, "<total type=\"fast\" count=\"0\" size=\"0\"/>\n");
    fprintf(stream, "<total type=\"rest\" count=\"%lu\" size=\"%lu\"/>\n", free_count, free_bytes);
    fprintf(stream, "<total type=\"mmap\" count=\"%lu\" size=\"%lu\"/>\n", snapshot.large_live_objects,
            snapshot.large_live_bytes);
    fprintf(stream, "<system type=\"current\" size=\"%lu\"/>\n",
            snapshot.committed + snapshot.large_live_bytes);
    fprintf(stream, "<system type=\"max\" size=\"%lu\"/>\n", snapshot.committed + snapshot.large_peak_bytes);
    fprintf(stream, "<aspace type=\"total\" size=\"%lu\"/>\n", snapshot.reserved);
    fprintf(stream, "<aspace type=\"mprotect\" size=\"%lu\"/>\n</malloc>\n", snapshot.committed);
    return 0;
}

struct mallinfo2 malloc_numbers() {
    Snapshot snapshot;
    read_snapshot(snapshot);
    struct mallinfo2 numbers {};
    numbers.arena = snapshot.in_use + snapshot.dirty;
    numbers.hblks = snapshot.large_live_objects;
    numbers.hblkhd = snapshot.large_live_bytes;
    numbers.uordblks = snapshot.small_live_bytes;
    numbers.fordblks = numbers.arena > numbers.uordblks ? numbers.arena - numbers.uordblks : 0;
    numbers.ordblks = snapshot.slabs;
    numbers.keepcost = snapshot.dirty;
    return numbers;
}

struct mallinfo malloc_numbers_of_int() {
    const struct mallinfo2 wide = malloc_numbers();
    struct mallinfo numbers {};
    numbers.arena = clamp(wide.arena);
    numbers.hblks = clamp(wide.hblks);
    numbers.hblkhd = clamp(wide.hblkhd);
    numbers.uordblks = clamp(wide.uordblks);
    numbers.fordblks = clamp(wide.fordblks);
    numbers.ordblks = clamp(wide.ordblks);
    numbers.keepcost = clamp(wide.keepcost);
    return numbers;
}

int accept_malloc_option(int parameter, int) {
    switch (parameter) {
        case M_MXFAST:
        case M_TRIM_THRESHOLD:
        case M_TOP_PAD:
        case M_MMAP_THRESHOLD:
        case M_MMAP_MAX:
        case M_CHECK_ACTION:
        case M_PERTURB:
        case M_ARENA_TEST:
        case M_ARENA_MAX:
            return 1;
        default:
            return 0;
    }
}

}  // namespace tarn
