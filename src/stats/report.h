// SPDX-License-Identifier: MIT
// The three writers, and what they say of the process besides its numbers. Each is one walk over the list
// of metrics.h; the snapshot is complete.
#pragma once
#include "stats/stats.h"

namespace tarn {

struct Process {
    const char* program;  // any bytes; never NULL
    int id;
};

void write_text(Text& text, const Snapshot& snapshot, const Process& process);
void write_json(Text& text, const Snapshot& snapshot, const Process& process);
void write_prometheus(Text& text, const Snapshot& snapshot, const Process& process);

}  // namespace tarn
