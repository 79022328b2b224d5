// SPDX-License-Identifier: MIT
// What is counted, and its reports. A Snapshot is the public tarn_stats: snapshot.cpp fills it by reading
// counters downward, complete.cpp derives the rest, report*.cpp walk the one list of metrics.h once per
// format. Nothing here allocates, takes a lock for long, or touches errno; any thread may call any of it.
#pragma once
#include "base/options.h"
#include "base/text.h"
#include "tarn/statistics.h"

namespace tarn {

using Snapshot = tarn_stats;

// Fills what is counted and zeroes the rest:
// classes, class_stats[].{object_size, allocations, frees, fresh, remote_frees, slabs, slab_bytes},
// large_*, foreign_frees, threads*, orphan_slabs, reserved to returned, backend*, resident, peak_resident,
// arenas and all behind it but object_pool_hit_rate.
// Counters are read one by one without stopping anybody; frees before allocations keeps them apart least.
void take_snapshot(Snapshot& snapshot);

// A pointer that another allocator had made was handed to libc.
void count_foreign_free();

// Derives everything else. What was read while others ran is clamped, so that afterwards the equations of
// tarn.h hold and nothing is negative. Doing it twice changes nothing.
void complete(Snapshot& snapshot);

// One report of a completed snapshot; nothing for StatsFormat::kNone.
void write_report(Text& text, const Snapshot& snapshot, StatsFormat format);

// The same, to a descriptor and by a single write where a buffer can be mapped, so that the reports of
// processes that end together do not mix. False when the descriptor did not take all of it.
bool send_report(Output& output, const Snapshot& snapshot, StatsFormat format);
// As write(2) would where the descriptor blocks (output.h).
bool send_report(int fd, const Snapshot& snapshot, StatsFormat format);

}  // namespace tarn
