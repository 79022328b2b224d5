// SPDX-License-Identifier: MIT
// statistics.h implemented: argument checks, and one call down. No allocator logic.
#include "tarn/statistics.h"
#include "export/own_report.h"
#include "process/reclaim.h"
#include "process/start.h"

namespace {

using tarn::Snapshot;
using tarn::StatsFormat;

constexpr size_t kHeader = offsetof(tarn_stats, allocations);
constexpr size_t kClasses = offsetof(tarn_stats, class_stats);
static_assert(kHeader == 8, "the smallest size that tarn_stats_get takes is part of the interface");

void read(Snapshot& snapshot) {
    tarn::start();  // this may be the first call of anything
    tarn::read_snapshot(snapshot);
}

StatsFormat known_format(int format) {
    switch (format) {
        case TARN_STATS_TEXT:
            return StatsFormat::kText;
        case TARN_STATS_JSON:
            return StatsFormat::kJson;
        case TARN_STATS_PROMETHEUS:
            return StatsFormat::kPrometheus;
        case TARN_STATS_CLASSES:
            return StatsFormat::kTextAndClasses;
        default:
            return StatsFormat::kNone;
    }
}

// Whole entries of class_stats within the first `size` bytes.
uint32_t classes_within(size_t size) {
    return size < kClasses ? 0 : static_cast<uint32_t>((size - kClasses) / sizeof(tarn_class_stats));
}

}  // namespace

// C linkage comes from tarn.h.
int tarn_stats_get(tarn_stats* stats, size_t size) {
    if (!stats || size < kHeader) return -1;
    Snapshot snapshot;
    read(snapshot);
    if (snapshot.classes > classes_within(size)) snapshot.classes = classes_within(size);
    const size_t known = size < sizeof snapshot ? size : sizeof snapshot;
    __builtin_memcpy(stats, &snapshot, known);
    __builtin_memset(reinterpret_cast<char*>(stats) + known, 0, size - known);
    return 0;
}

int tarn_stats_write(int fd, enum tarn_stats_format format) {
    const StatsFormat known = known_format(format);
    if (known == StatsFormat::kNone) return -1;
    Snapshot snapshot;
    read(snapshot);
    return tarn::send_own_report(fd, snapshot, known) ? 0 : -1;
}

int tarn_stats_print(void (*sink)(void* context, const char* text, size_t length), void* context,
                     enum tarn_stats_format format) {
    const StatsFormat known = known_format(format);
    if (!sink || known == StatsFormat::kNone) return -1;
    Snapshot snapshot;
    read(snapshot);
    tarn::Text text(sink, context);
    tarn::write_own_report(text, snapshot, known);
    return 0;
}

size_t tarn_trim() {
    return tarn::trim();
}

const char* tarn_version() {
    return TARN_VERSION;
}
