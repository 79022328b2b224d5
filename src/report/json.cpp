// SPDX-License-Identifier: MIT
// The JSON report: one object on one line (docs/statistics.schema.json), so that a file to which many
// processes append is a sequence that every JSON tool reads.
#include "metrics/metric_list.h"
#include "report/escape.h"
#include "report/report.h"

namespace tarn {

namespace {

void add_string(Text& text, const char* key, const char* value) {
    text.add('"').add(key).add("\":\"");
    add_escaped(text, value, Escape::kJson).add('"');
}

void add_options(Text& text, const Report& report) {
    text.add("\"options\":{");
    for (size_t i = 0; i < report.option_count; ++i) {
        if (i) text.add(',');
        add_escaped(text.add('"'), report.options[i].name, Escape::kJson).add("\":\"");
        add_escaped(text, report.options[i].value, Escape::kJson).add('"');
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

void add_classes(Text& text, const tarn_stats& stats) {
    text.add("\"classes\":[");
    const char* separator = "";
    for (uint32_t i = 0; i < stats.classes; ++i) {
        if (!was_used(stats.class_stats[i])) continue;
        text.add(separator).add('{');
        add_metrics(text, kPerClass, stats.class_stats[i]);
        text.add('}');
        separator = ",";
    }
    text.add(']');
}

}  // namespace

void write_json(Text& text, const Report& report) {
    text.add("{\"version\":").decimal(TARN_STATS_VERSION).add(',');
    add_string(text, "tarn", report.version);
    text.add(',');
    add_string(text, "program", report.program);
    text.add(",\"process\":").signed_decimal(report.process).add(',');
    add_string(text, "backend", report.stats.backend);
    text.add(',');
    add_options(text, report);
    text.add(",\"totals\":{");
    add_metrics(text, kTotals, report.stats);
    text.add("},");
    add_classes(text, report.stats);
    text.add("}\n");
}

}  // namespace tarn
