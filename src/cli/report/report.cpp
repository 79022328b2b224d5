// SPDX-License-Identifier: MIT
#include "cli/report/report.h"

#include <unistd.h>

#include "cli/common/outcome.h"
#include "reader/fate.h"
#include "reader/formats/formats.h"
#include "reader/input.h"
#include "reader/views/anonymous.h"

namespace tarn::cli {
namespace {

reader::Measure measure_of(const std::string& word) {
    if (word == "peak") return reader::Measure::kPeak;
    return word == "live" ? reader::Measure::kLive : reader::Measure::kAllocated;
}

reader::Frames frames_of(const ReportOptions& options) {
    if (options.native) return reader::Frames::kNative;
    return options.script ? reader::Frames::kScript : reader::Frames::kMerged;
}

// One record, read, with names for its addresses.
class Reading {
  public:
    Reading(const std::string& name, const ReportOptions& options)
        : input_(reader::record_path(name)),
          record_(reader::read_record(input_)),
          state_(state_of(record_, input_)) {
        profile_ = resolve(record_, &symbols_, frames_of(options));
        missing_ = missing_names(record_, profile_, symbols_);
        sources_ = !options.no_source && !options.anonymous;
        if (options.anonymous) make_anonymous(&record_, &profile_, &missing_);
    }
    const std::string& path() const { return input_.path(); }
    const reader::Record& record() const { return record_; }
    const reader::Profile& profile() const { return profile_; }
    reader::Side side() const { return {record_, profile_}; }
    Shown shown() const { return {record_, state_, profile_, missing_, sources_}; }

  private:
    reader::Input input_;
    reader::Record record_;
    reader::State state_;
    reader::Symbols symbols_;
    reader::Profile profile_;
    std::map<std::string, std::string> missing_;
    bool sources_ = false;
};

Status nothing_sampled(const std::string& name, const reader::Record& record) {
    return failed(kNothingSampled,
                  name + (record.interval() ? ": nothing was sampled yet; a smaller TARN_PROFILE samples more"
                                            : ": nothing was sampled; run the program with "
                                              "TARN_PROFILE=512k as well"));
}

// Writes what is to be in files, and says whether there is something for standard output left to do.
struct Written {
    Status status = kDone;
    bool any = false;

    void to(const std::string& path, const std::string& text) {
        any = true;
        status = write_to(path, text);
    }
};

int report_one(const ReportOptions& options) {
    Reading reading(options.record, options);
    const reader::Record& record = reading.record();
    bool for_tools = !options.pprof.empty() || !options.folded.empty();
    if (for_tools && record.stacks.empty()) return nothing_sampled(reading.path(), record);
    auto unit = options.objects ? reader::Unit::kObjects : reader::Unit::kBytes;
    Shown shown = reading.shown();
    Written written;
    if (!options.pprof.empty()) written.to(options.pprof, pprof(record, reading.profile()));
    if (!options.folded.empty() && written.status == kDone)
        written.to(options.folded, folded(record, reading.profile(), measure_of(options.of), unit));
    if (!options.html.empty() && written.status == kDone) written.to(options.html, show_html(shown));
    if (written.status != kDone || (written.any && !options.json)) return written.status;
    return write_to("", options.json ? show_json(shown) : show_text(shown, options.show, terminal()));
}

int report_two(const ReportOptions& options) {
    if (!options.pprof.empty())
        return failed(kMisused,
                      "pprof subtracts by itself: write --pprof of each record, then: go tool pprof -base "
                      "A.pb.gz B.pb.gz");
    Reading before(options.record, options), after(options.other, options);
    if (!options.folded.empty() && before.record().stacks.empty() && after.record().stacks.empty())
        return nothing_sampled(after.path(), after.record());
    Shown one = before.shown(), other = after.shown();
    Compared compared{one, other, options.anonymous ? "before" : options.record,
                      options.anonymous ? "after" : options.other, changes(before.side(), after.side())};
    auto unit = options.objects ? reader::Unit::kObjects : reader::Unit::kBytes;
    Written written;
    if (!options.folded.empty())
        written.to(options.folded,
                   folded_difference(before.side(), after.side(), measure_of(options.of), unit));
    if (!options.html.empty() && written.status == kDone) written.to(options.html, show_html(compared));
    if (written.status != kDone || (written.any && !options.json)) return written.status;
    return write_to("", options.json ? show_json(compared) : show_text(compared, options.show, terminal()));
}

}  // namespace

int report(const ReportOptions& options) {
    if (options.pprof == "-" && isatty(STDOUT_FILENO))
        return failed(kMisused, "pprof's format is not for a terminal; say --pprof heap.pb.gz");
    return options.other.empty() ? report_one(options) : report_two(options);
}

}  // namespace tarn::cli
