// SPDX-License-Identifier: MIT
#include "cli/report/report.h"

#include <unistd.h>

#include "cli/common/outcome.h"
#include "reader/fate.h"
#include "reader/formats/formats.h"
#include "reader/input.h"

namespace tarn::cli {
namespace {

reader::Measure measure_of(const std::string& word) {
    if (word == "peak") return reader::Measure::kPeak;
    return word == "live" ? reader::Measure::kLive : reader::Measure::kAllocated;
}

Status nothing_sampled(const ReportOptions& options, const reader::Record& record) {
    return failed(
        kNothingSampled,
        options.record + (record.interval() ? ": nothing was sampled yet; a smaller TARN_PROFILE samples more"
                                            : ": nothing was sampled; run the program with "
                                              "TARN_PROFILE=512k as well"));
}

}  // namespace

int report(const ReportOptions& options) {
    if (options.pprof == "-" && isatty(STDOUT_FILENO))
        return failed(kMisused, "pprof's format is not for a terminal; say --pprof heap.pb.gz");
    bool for_tools = !options.pprof.empty() || !options.folded.empty();
    reader::Input input(reader::record_path(options.record));
    reader::Record record = reader::read_record(input);
    reader::State state = state_of(record, input);
    if (for_tools && record.stacks.empty()) return nothing_sampled(options, record);
    reader::Symbols symbols;
    reader::Profile profile = resolve(record, &symbols);
    auto unit = options.objects ? reader::Unit::kObjects : reader::Unit::kBytes;
    Status status = kDone;
    if (!options.pprof.empty()) status = write_to(options.pprof, pprof(record, profile));
    if (!options.folded.empty() && status == kDone)
        status = write_to(options.folded, folded(record, profile, measure_of(options.of), unit));
    if (status != kDone || (for_tools && !options.json)) return status;
    Shown shown{record, state, profile, missing_names(record, profile, symbols)};
    return write_to("", options.json ? show_json(shown) : show_text(shown, options.show, terminal()));
}

}  // namespace tarn::cli
