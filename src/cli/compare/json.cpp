// SPDX-License-Identifier: MIT
#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/compare/shown.h"

namespace tarn::cli {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json figure_of(const Figure& figure, const Series& series, What what) {
    return {{"median", figure.median},
            {"deviation", figure.deviation},
            {"to_glibc", number(figure.factor.middle)},
            {"to_glibc_low", number(figure.factor.low)},
            {"to_glibc_high", number(figure.factor.high)},
            {"runs", values(series, what)}};
}

Json row_of(const Row& row, const Series& series, const Results& results) {
    Json found = {{"name", row.name}, {"libraries", row.libraries}, {"failure", row.failure}};
    if (!row.failure.empty()) return found;
    found["time"] = figure_of(row.time, series, What::kTime);
    if (results.has_metric()) found["metric"] = figure_of(row.metric, series, What::kMetric);
    found["processor"] = figure_of(row.processor, series, What::kProcessor);
    found["peak_memory"] = figure_of(row.memory, series, What::kMemory);
    found["outliers"] = Json::array();
    for (const Outlier& outlier : row.outliers)
        found["outliers"].push_back({{"round", outlier.round}, {"value", outlier.value}});
    return found;
}

}  // namespace

std::string comparison_json(const Results& results, const Figures& figures) {
    constexpr const char* kMemory[] = {"control group", "sum of processes, sampled", "largest process"};
    constexpr const char* kOutput[] = {"ignored", "same", "varies"};
    constexpr const char* kStopped[] = {"precise", "time", "rounds", "fixed", "interrupted"};
    Json found = {{"schema", 1},
                  {"command", results.command},
                  {"load", results.load},
                  {"metric", results.metric},
                  {"better", results.better == Better::kLower ? "lower" : "higher"},
                  {"rounds", results.rounds},
                  {"seconds", results.seconds},
                  {"stopped", kStopped[static_cast<int>(results.stopped)]},
                  {"memory_by", kMemory[static_cast<int>(results.memory_by)]},
                  {"output", kOutput[static_cast<int>(results.output)]},
                  {"verdict", figures.verdict},
                  {"allocators", Json::array()}};
    for (size_t i = 0; i < figures.rows.size(); ++i)
        found["allocators"].push_back(row_of(figures.rows[i], results.series[i], results));
    return found.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tarn::cli
