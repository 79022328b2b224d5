// SPDX-License-Identifier: MIT
// The report in its three formats: pure functions of what they are given, so that a tool can print another process'
// report. Each writer is one walk over the list of metrics (metrics/metric_list.h).
#pragma once
#include "base/options.h"
#include "base/text.h"
#include "tarn/statistics.h"

namespace tarn {

struct OptionValue {
    const char* name;
    const char* value;
    bool given;  // by the environment; the others are as documented
};

// What a report is made of. Strings may have any bytes, and are never NULL.
struct Report {
    const tarn_stats& stats;  // completed: the equations of tarn/statistics.h hold
    const char* version;      // of tarn
    const char* program;
    int process;
    const OptionValue* options;
    size_t option_count;
};

// Nothing for StatsFormat::kNone.
void write_report(Text& text, const Report& report, StatsFormat format);

void write_text(Text& text, const Report& report);  // of the classes, those that fill the memory
void write_text_and_classes(Text& text, const Report& report);
void write_json(Text& text, const Report& report);
void write_prometheus(Text& text, const Report& report);

}  // namespace tarn
