// SPDX-License-Identifier: MIT
// One page that needs nothing else: no script, no network.
#include <fmt/format.h>

#include <algorithm>

#include "cli/compare/shown.h"

namespace tarn::cli {
namespace {

constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tarn compare: {0}</title>
<style>
:root {{ color-scheme: light dark; --line: #8884; --bar: #3b7dbf; --of: #8886; }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.2rem; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }}
.verdict {{ font-size: 1.1rem; font-weight: 600; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }}
th:first-child, td:first-child {{ text-align: left; }}
td.bar {{ min-width: 5rem; }}
.bar span {{ display: block; height: .6rem; background: var(--bar); }}
.glibc .bar span {{ background: var(--of); }}
.note {{ font-size: .9rem; opacity: .8; }}
</style>
</head>
<body>
<h1>{0}</h1>
<p class="verdict">{1}</p>
)";

std::string escaped(const std::string& text) {
    std::string made;
    for (char byte : printable_word(text)) {
        switch (byte) {
            case '&':
                made += "&amp;";
                break;
            case '<':
                made += "&lt;";
                break;
            case '>':
                made += "&gt;";
                break;
            case '"':
                made += "&quot;";
                break;
            case '\'':
                made += "&#39;";
                break;
            default:
                made += byte;
        }
    }
    return made;
}

std::string cells_of(const Figure& figure, What what, double most) {
    return fmt::format(
        "<td>{} ±{:.1f} %</td><td>{}</td><td class=\"bar\"><span style=\"width:{:.1f}%\"></span></td>",
        value_word(figure.median, what), 100 * figure.deviation, factor_word(figure),
        most > 0 ? 100 * figure.median / most : 0);
}

class Page {
  public:
    Page(const Results& results, const Figures& figures) : results_(results), figures_(figures) {}

    std::string written() const {
        std::string text = fmt::format(kHead, escaped(title_of(results_)), escaped(figures_.verdict));
        text += "<div class=\"wide\"><table>\n" + head();
        double measured = most(&Row::time), metric = most(&Row::metric), memory = most(&Row::memory);
        for (const Row& row : figures_.rows)
            text += line(row, measured, metric, memory);
        text += "</table></div>\n";
        for (const std::string& note : figures_.notes)
            text += "<p class=\"note\">" + escaped(note) + "</p>\n";
        for (const Row& row : figures_.rows)
            for (const Outlier& outlier : row.outliers)
                text +=
                    fmt::format("<p class=\"note\">outlier of {}: {} in round {}</p>\n", escaped(row.name),
                                value_word(outlier.value, compared(results_)), outlier.round);
        return text +
               "<p class=\"note\">± after a value: half of the runs lie within; after a factor: it lies "
               "within, "
               "but for a chance of one in twenty.</p>\n</body>\n</html>\n";
    }

  private:
    double most(Figure Row::*figure) const {
        double found = 0;
        for (const Row& row : figures_.rows)
            if (row.failure.empty()) found = std::max(found, (row.*figure).median);
        return found;
    }

    std::string head() const {
        std::string text = "<tr><th></th>";
        if (results_.has_metric()) text += "<th>metric</th><th>to glibc</th><th></th>";
        return text + fmt::format(
                          "<th>{}</th><th>to glibc</th><th></th><th>processor</th><th>peak memory</th>"
                          "<th>to glibc</th><th></th></tr>\n",
                          results_.load.empty() ? "time" : "load's time");
    }

    std::string line(const Row& row, double time, double metric, double memory) const {
        if (!row.failure.empty() || row.runs == 0)
            return fmt::format("<tr><td>{}</td><td colspan=\"{}\">not compared: {}</td></tr>\n",
                               escaped(row.name), results_.has_metric() ? 10 : 7,
                               row.failure.empty() ? "it was not run" : escaped(row.failure));
        std::string text = fmt::format("<tr class=\"{}\"><td>{}</td>",
                                       row.name == kReference ? "glibc" : "other", escaped(row.name));
        if (results_.has_metric()) text += cells_of(row.metric, What::kMetric, metric);
        text += cells_of(row.time, What::kTime, time);
        text += fmt::format("<td>{}</td>", value_word(row.processor.median, What::kProcessor));
        return text + cells_of(row.memory, What::kMemory, memory) + "</tr>\n";
    }

    const Results& results_;
    const Figures& figures_;
};

}  // namespace

std::string comparison_html(const Results& results, const Figures& figures) {
    return Page(results, figures).written();
}

}  // namespace tarn::cli
