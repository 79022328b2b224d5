// SPDX-License-Identifier: MIT
// The report in OpenMetrics 1.0 text format, which Prometheus scrapes: per family TYPE, UNIT and HELP, then
// its samples together; a family's name ends in its unit, a counter's samples in _total; last line # EOF.
#include "metrics/family.h"
#include "report/escape.h"
#include "report/report.h"

namespace tarn {

namespace {

template <class Owner>
void add_family(Text& text, const char* prefix, const Metric<Owner>& metric) {
    text.add("# TYPE ");
    add_family_name(text, prefix, metric);
    text.add(metric.kind == Kind::kCounter ? " counter\n" : " gauge\n");
    if (const char* unit = unit_name(metric.unit); *unit) {
        text.add("# UNIT ");
        add_family_name(text, prefix, metric);
        text.add(' ').add(unit).add('\n');
    }
    text.add("# HELP ");
    add_family_name(text, prefix, metric);
    text.add(' ').add(metric.help).add(".\n");
}

template <class Owner>
void add_sample_name(Text& text, const char* prefix, const Metric<Owner>& metric) {
    add_family_name(text, prefix, metric);
    if (metric.kind == Kind::kCounter) text.add("_total");
}

void add_label(Text& text, const char* name, const char* value) {
    text.add(name).add("=\"");
    add_escaped(text, value, Escape::kLabel).add('"');
}

void add_build(Text& text, const Report& report) {
    text.add("# TYPE tarn_build info\n# HELP tarn_build What the numbers are about.\ntarn_build_info{");
    add_label(text, "version", report.version);
    text.add(',');
    add_label(text, "backend", report.stats.backend);
    text.add(',');
    add_label(text, "program", report.program);
    text.add("} 1\n");
}

void add_total(Text& text, const Total& metric, const tarn_stats& stats) {
    add_family(text, "tarn_", metric);
    add_sample_name(text, "tarn_", metric);
    text.add(' ');
    if (metric.ratio)
        text.fixed(presentable(stats.*metric.ratio), kRatioDecimals);
    else
        text.decimal(stats.*metric.count);
    text.add('\n');
}

void add_per_class(Text& text, const PerClass& metric, const tarn_stats& stats) {
    add_family(text, "tarn_class_", metric);
    for (uint32_t i = 0; i < stats.classes; ++i) {
        const tarn_class_stats& size_class = stats.class_stats[i];
        if (!was_used(size_class)) continue;
        add_sample_name(text, "tarn_class_", metric);
        text.add("{class=\"").decimal(size_class.object_size).add("\"} ");
        text.decimal(size_class.*metric.count).add('\n');
    }
}

}  // namespace

void write_prometheus(Text& text, const Report& report) {
    add_build(text, report);
    for (const Total& metric : kTotals)
        add_total(text, metric, report.stats);
    for (const PerClass& metric : kPerClass)
        if (metric.count != &tarn_class_stats::object_size) add_per_class(text, metric, report.stats);
    text.add("# EOF\n");
}

}  // namespace tarn
