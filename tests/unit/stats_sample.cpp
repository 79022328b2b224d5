// SPDX-License-Identifier: MIT
// Writes a report of synthetic counters for check_report.py: stats_sample SNAPSHOT FORMAT [PROGRAM].
#include "stats_sample.h"

#include <string>

#include "base/output.h"
#include "collect.h"
#include "export/own_report.h"
#include "report/report.h"

int main(int count, char** arguments) {
    if (count < 3) return 2;
    const std::string which = arguments[1], format = arguments[2];
    tarn::Snapshot snapshot = which == "sample" ? sample() : which == "idle" ? idle() : extreme();
    tarn::complete(snapshot);
    tarn::read_options();
    const tarn::OptionValues options;
    const tarn::Report report{snapshot, TARN_VERSION,    count > 3 ? arguments[3] : "program",
                              4711,     options.first(), static_cast<size_t>(options.count())};
    tarn::Output output(1);
    tarn::Text text(output);
    if (format == "json")
        tarn::write_json(text, report);
    else if (format == "prometheus")
        tarn::write_prometheus(text, report);
    else if (format == "text")
        tarn::write_text(text, report);
    else
        return 2;
    return 0;
}
