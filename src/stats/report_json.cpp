// SPDX-License-Identifier: MIT
// The JSON report: one object on one line (docs/statistics.schema.json), so that a file to which many
// processes append is a sequence that every JSON tool reads.
#include "stats/escape.h"
#include "stats/metrics.h"
#include "stats/piece.h"
#include "stats/report.h"

namespace tarn {

namespace {

void add_string(Text& text, const char* key, const char* value) {
    text.add('"').add(key).add("\":\"");
    add_escaped(text, value, Escape::kJson).add('"');
}

void add_options(Text& text) {
    text.add("\"options\":{");
    for (int i = 0; i < option_count(); ++i) {
        const Piece value([i](Text& t) { print_option(t, i); });
        if (i) text.add(',');
        add_string(text, option_name(i), value.c_str());
    }
    text.add('}');
}

template <class Owner, size_t kCount>
void add_metrics(Text& text, const Metric<Owner> (&metrics)[kCount], const Owner& owner) {
    const char* separator = "";
    for (const Metric<Owner>& metric : metrics) {
        text.add(separator).add('"').add(metric.name).add("\":");
        if (metric.ratio)
            text.fixed(presentable(owner.*metric.ratio), kRatioDecimals);
        else
            text.decimal(owner.*metric.count);
        separator = ",";
    }
}

void add_classes(Text& text, const Snapshot& snapshot) {
    text.add("\"classes\":[");
    const char* separator = "";
    for (uint32_t i = 0; i < snapshot.classes; ++i) {
        if (!was_used(snapshot.class_stats[i])) continue;
        text.add(separator).add('{');
        add_metrics(text, kPerClass, snapshot.class_stats[i]);
        text.add('}');
        separator = ",";
    }
    text.add(']');
}

}  // namespace

void write_json(Text& text, const Snapshot& snapshot, const Process& process) {
    text.add("{\"version\":").decimal(TARN_STATS_VERSION).add(',');
    add_string(text, "tarn", TARN_VERSION);
    text.add(',');
    add_string(text, "program", process.program);
    text.add(",\"process\":").signed_decimal(process.id).add(',');
    add_string(text, "backend", snapshot.backend);
    text.add(',');
    add_options(text);
    text.add(",\"totals\":{");
    add_metrics(text, kTotals, snapshot);
    text.add("},");
    add_classes(text, snapshot);
    text.add("}\n");
}

}  // namespace tarn
