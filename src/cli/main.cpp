// SPDX-License-Identifier: MIT
// tarn-record: reads what tarn wrote down of a process (docs/record.md).
#include <unistd.h>

#include <cerrno>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "cli/show.h"
#include "reader/fate.h"
#include "reader/formats/formats.h"
#include "reader/input.h"

namespace {

using namespace tarn;

enum Status { kDone = 0, kFailed = 1, kMisused = 2, kNothingSampled = 3 };

constexpr const char* kHelp =
    "Example:\n"
    "  TARN_RECORD=/tmp/my.record TARN_PROFILE=512k LD_PRELOAD=libtarn.so ./program\n"
    "  tarn-record show /tmp/my.record                  who holds the memory, while it runs or after its "
    "end\n"
    "  tarn-record pprof /tmp/my.record -o heap.pb.gz   then: go tool pprof -http : heap.pb.gz\n"
    "  tarn-record folded /tmp/my.record > stacks.txt   for flame graphs and speedscope\n"
    "\n"
    "Reads the record that tarn writes of a process with TARN_RECORD set.";
constexpr const char* kStatuses =
    "Exit status: 0 done; 1 the file cannot be read or is no record, or the output cannot be written;\n"
    "2 the command line is wrong; 3 nothing was sampled, for pprof and folded.\n"
    "Debug information is looked for as gdb does, on the servers of DEBUGINFOD_URLS too. NO_COLOR: no "
    "colours.";

struct Arguments {
    std::string record, output;
    bool json = false;
    cli::ShowOptions show;
    std::string measure = "live";
    bool objects = false;
};

int failed(Status status, const std::string& why) {
    std::fprintf(stderr, "tarn-record: %s\n", why.c_str());
    return status;
}

int write_to(const std::string& path, const std::string& text) {
    bool to_stdout = path.empty() || path == "-";
    std::FILE* file = to_stdout ? stdout : std::fopen(path.c_str(), "we");
    bool good = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
    if (file && std::fflush(file) != 0) good = false;
    int error = errno;
    if (file && !to_stdout && std::fclose(file) != 0 && good) {
        good = false;
        error = errno;
    }
    std::string name = to_stdout ? "standard output" : path;
    return good ? kDone : failed(kFailed, name + ": cannot be written: " + std::strerror(error));
}

reader::Measure measure_of(const std::string& word) {
    if (word == "peak") return reader::Measure::kPeak;
    return word == "live" ? reader::Measure::kLive : reader::Measure::kAllocated;
}

int show(const Arguments& arguments) {
    reader::Input input(reader::record_path(arguments.record));
    reader::Record record = reader::read_record(input);
    reader::State state = state_of(record, input);
    reader::Symbols symbols;
    reader::Profile profile = resolve(record, &symbols);
    cli::Shown shown{record, state, profile, missing_names(record, profile, symbols)};
    return write_to("",
                    arguments.json ? show_json(shown) : show_text(shown, arguments.show, cli::terminal()));
}

int convert(const Arguments& arguments, bool to_pprof) {
    if (to_pprof && arguments.output.empty() && isatty(STDOUT_FILENO))
        return failed(kMisused, "pprof's format is not for a terminal; add -o heap.pb.gz");
    reader::Record record = reader::read_record(reader::record_path(arguments.record));
    if (record.stacks.empty())
        return failed(
            kNothingSampled,
            arguments.record + (record.interval()
                                    ? ": nothing was sampled yet; a smaller TARN_PROFILE samples more"
                                    : ": nothing was sampled; run the program with "
                                      "TARN_PROFILE=512k as well"));
    reader::Symbols symbols;
    reader::Profile profile = resolve(record, &symbols);
    auto unit = arguments.objects ? reader::Unit::kObjects : reader::Unit::kBytes;
    return write_to(arguments.output, to_pprof
                                          ? pprof(record, profile)
                                          : folded(record, profile, measure_of(arguments.measure), unit));
}

CLI::App* command(CLI::App* app, const char* name, const char* what, Arguments* arguments) {
    CLI::App* added = app->add_subcommand(name, what);
    added->add_option("FILE", arguments->record, "the record, or the number of a process with TARN_RECORD=1")
        ->required();
    return added;
}

int run(int count, char** words) {
    Arguments arguments;
    CLI::App app(kHelp, "tarn-record");
    app.footer(kStatuses);
    app.set_version_flag("--version", "tarn-record " TARN_VERSION);
    app.require_subcommand(0, 1);
    CLI::App* shows =
        command(&app, "show", "what fills the memory, who holds it, the last minute, the end", &arguments);
    shows->add_flag("--json", arguments.json, "all of it, for programs");
    shows->add_option("--holders", arguments.show.holders, "so many of the largest holders")
        ->capture_default_str();
    shows->add_option("--seconds", arguments.show.seconds, "of the curve, 0: from the start")
        ->check(CLI::Range(0, 1'000'000'000))
        ->capture_default_str();
    CLI::App* pprofs =
        command(&app, "pprof", "a profile for pprof, and all that reads its format", &arguments);
    pprofs->add_option("-o,--output", arguments.output, "the file to write; otherwise standard output");
    CLI::App* folds = command(&app, "folded", "collapsed stacks: main;run;load 4096", &arguments);
    folds->add_option("-o,--output", arguments.output, "the file to write; otherwise standard output");
    folds->add_option("--of", arguments.measure, "live, peak (live at the peak) or allocated (ever)")
        ->check(CLI::IsMember({"live", "peak", "allocated"}))
        ->capture_default_str();
    folds->add_flag("--objects", arguments.objects, "their number, not their bytes");
    try {
        app.parse(count, words);
    } catch (const CLI::Success& asked) {
        return app.exit(asked) == 0 ? kDone : kFailed;
    } catch (const CLI::ParseError& error) {
        return failed(kMisused, std::string(error.what()) + "; tarn-record --help shows how");
    }
    if (app.get_subcommands().empty())
        return failed(kMisused, "say show, pprof or folded; tarn-record --help shows how");
    return shows->parsed() ? show(arguments) : convert(arguments, pprofs->parsed());
}

}  // namespace

int main(int count, char** words) {
    try {
        return run(count, words);
    } catch (const std::exception& error) {
        return failed(kFailed, error.what());
    }
}
