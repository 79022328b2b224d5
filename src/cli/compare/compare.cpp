// SPDX-License-Identifier: MIT
#include "cli/compare/compare.h"

#include <unistd.h>

#include <cstdio>
#include <optional>
#include <stdexcept>

#include "cli/allocators/command.h"
#include "cli/common/outcome.h"
#include "cli/compare/rounds.h"
#include "cli/compare/shown.h"
#include "cli/program/libraries.h"

namespace tarn::cli {
namespace {

constexpr int kSignalled = 128;

// The one line on a terminal that says what goes on; "": it is wiped out.
void show_progress(const std::string& words) {
    static const bool seen = isatty(STDERR_FILENO) != 0;
    if (seen) std::fprintf(stderr, "\r\033[K%s%s", words.empty() ? "" : "tarn: ", words.c_str());
}

struct Patterns {
    std::optional<measure::Pattern> metric, ready;
};

// What contradicts itself; "": nothing.
std::string contradiction(const CompareOptions& options) {
    bool is_ready_said = !options.ready.empty() || options.ready_port != 0;
    if (!options.metric.empty() && !options.metric_lower.empty())
        return "say one of --metric and --metric-lower";
    if (!options.ready.empty() && options.ready_port != 0) return "say one of --ready and --ready-port";
    if (is_ready_said && options.load.empty())
        return "say by --load 'CMD' what the server is to do when it is ready";
    if (!options.load.empty() && !is_ready_said)
        return "say by --ready REGEX or --ready-port N when the server is ready for its load";
    if (options.ready_port != 0 && measure::takes_connections(options.ready_port))
        return "somebody serves port " + std::to_string(options.ready_port) +
               " already; give the server another one";
    return "";
}

Patterns patterns(const CompareOptions& options) {
    Patterns found;
    std::string metric = options.metric.empty() ? options.metric_lower : options.metric;
    if (!metric.empty()) found.metric.emplace(metric);
    if (found.metric && found.metric->groups() == 0)
        throw std::invalid_argument("'" + metric + "' has no group: write ([0-9.]+) for the number in it");
    if (!options.ready.empty()) found.ready.emplace(options.ready);
    return found;
}

measure::MemoryMeter meter_of(const std::string& word) {
    using measure::MemoryBy;
    if (word == "tree") return {MemoryBy::kTree, {}};
    if (word == "largest") return {MemoryBy::kLargest, {}};
    measure::MemoryMeter best = measure::best_meter();
    if (word == "group" && best.by != MemoryBy::kGroup)
        throw std::runtime_error("no control group can be made here: --memory tree does without");
    return best;
}

Plan plan_of(const CompareOptions& options, const Patterns& patterns) {
    Plan plan;
    plan.task.start.command = options.command;
    plan.task.metric = patterns.metric ? &*patterns.metric : nullptr;
    plan.task.reads_output = !options.ignores_output;
    if (!options.load.empty())
        plan.task.server =
            measure::Server{patterns.ready ? &*patterns.ready : nullptr, options.ready_port, options.load};
    plan.input = options.input;
    plan.meter = meter_of(options.memory);
    plan.rounds = options.rounds;
    plan.most_seconds = options.most_seconds;
    return plan;
}

Results begun(const CompareOptions& options, const Plan& plan) {
    Results results;
    results.command = options.command;
    results.load = options.load;
    for (const Allocator& allocator : chosen(options.choice))
        results.series.push_back({allocator});
    results.metric = options.metric.empty() ? options.metric_lower : options.metric;
    results.better = options.metric_lower.empty() ? Better::kHigher : Better::kLower;
    results.memory_by = plan.meter.by;
    results.output = options.ignores_output || !options.load.empty() ? Output::kIgnored : Output::kSame;
    return results;
}

Status shown(const CompareOptions& options, const Results& results) {
    Figures found = figures(results);
    if (!options.html.empty()) {
        if (Status status = write_to(options.html, comparison_html(results, found)); status != kDone)
            return status;
        if (options.html == "-") return kDone;
    }
    return write_to(
        "", options.json ? comparison_json(results, found) : comparison_text(results, found, terminal()));
}

int compared_with(const CompareOptions& options, const Plan& plan) {
    Results results = begun(options, plan);
    if (results.series.size() < 2)
        return failed(kFailed,
                      "no allocator besides glibc was found; --tarn FILE or --peer NAME=FILE names one");
    measure::Interrupts interrupts;
    try {
        measure_rounds(plan, &results, show_progress);
    } catch (const std::runtime_error&) {
        show_progress("");
        throw;
    }
    int asked = measure::Interrupts::asked();
    if (results.rounds == 0)
        return failed(static_cast<Status>(kSignalled + asked), "interrupted before a round was done");
    Status status = shown(options, results);
    return status == kDone && asked != 0 ? kSignalled + asked : status;
}

}  // namespace

int compare(const CompareOptions& options) {
    if (std::string why = contradiction(options); !why.empty()) return failed(kMisused, why);
    const std::string& name = options.command.front();
    std::string file = find_program(name);
    if (file.empty() || access(file.c_str(), X_OK) != 0)
        return failed(kFailed, name + ": there is no such command");
    if (std::string why = obstacle(file); !why.empty())
        return failed(kFailed, name + " " + why + "; nothing can be compared");
    try {
        Patterns expressions = patterns(options);
        return compared_with(options, plan_of(options, expressions));
    } catch (const std::invalid_argument& error) {
        return failed(kMisused, error.what());
    }
}

}  // namespace tarn::cli
