// SPDX-License-Identifier: MIT
#include "report/report.h"

namespace tarn {

void write_report(Text& text, const Report& report, StatsFormat format) {
    switch (format) {
        case StatsFormat::kNone:
            return;
        case StatsFormat::kText:
            return write_text(text, report);
        case StatsFormat::kTextAndClasses:
            return write_text_and_classes(text, report);
        case StatsFormat::kJson:
            return write_json(text, report);
        case StatsFormat::kPrometheus:
            return write_prometheus(text, report);
    }
}

}  // namespace tarn
