// SPDX-License-Identifier: MIT
// The command `tarn`: its command line. Each verb has a folder, and does not know of this.
#include <CLI/CLI.hpp>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/common/outcome.h"
#include "cli/compare/compare.h"
#include "cli/doctor/doctor.h"
#include "cli/export/export.h"
#include "cli/report/report.h"
#include "cli/run/run.h"
#include "cli/top/top.h"
#include "cli/trim/trim.h"

namespace {

using namespace tarn::cli;

constexpr const char* kExample =
    "  tarn run --profile -- python3 app.py   runs it under tarn; at its end five lines\n"
    "  tarn report                            then: what filled the memory, and who held it\n";
constexpr const char* kWhat = "Says where the memory of programs that run under tarn goes.";
constexpr const char* kEnd =
    "Exit status: 0 done; 1 it failed, one line says why; 2 the command line is wrong; others: the verb's\n"
    "own help. NO_COLOR: no colours. `tarn VERB --help` has an example of each.";

// Help begins with an example; in the list of verbs there is none.
class Format : public CLI::Formatter {
  public:
    void add(const CLI::App* app, const char* example) { examples_[app] = example; }
    std::string make_description(const CLI::App* app) const override {
        auto found = examples_.find(app);
        std::string example =
            found == examples_.end() ? "" : std::string("Example:\n") + found->second + "\n";
        return example + app->get_description() + "\n";
    }

  private:
    std::map<const CLI::App*, const char*> examples_;
};

// The command line: the verbs, and what each does when it was said.
class Line {
  public:
    Line() : format_(std::make_shared<Format>()), app_(kWhat, "tarn") {
        app_.formatter(format_);
        format_->add(&app_, kExample);
        app_.footer(kEnd);
        app_.set_version_flag("--version", "tarn " TARN_VERSION);
        app_.require_subcommand(0, 1);
    }

    CLI::App* add(const char* name, const char* what, const char* example, const char* statuses,
                  std::function<int()> run) {
        CLI::App* verb = app_.add_subcommand(name, what);
        format_->add(verb, example);
        verb->footer(statuses);
        verbs_.push_back({verb, std::move(run)});
        return verb;
    }

    int parse_and_run(int count, char** words) {
        try {
            app_.parse(count, words);
        } catch (const CLI::Success& asked) {
            return app_.exit(asked) == 0 ? kDone : kFailed;
        } catch (const CLI::ParseError& error) {
            return failed(kMisused, std::string(error.what()) + "; tarn --help shows how");
        }
        for (const Verb& verb : verbs_)
            if (verb.app->parsed()) return verb.run();
        std::string names;
        for (const Verb& verb : verbs_)
            names += (names.empty() ? "" : ", ") + verb.app->get_name();
        return failed(kMisused, "say one of: " + names + "; tarn --help shows how");
    }

  private:
    struct Verb {
        CLI::App* app;
        std::function<int()> run;
    };
    std::shared_ptr<Format> format_;
    CLI::App app_;
    std::vector<Verb> verbs_;
};

void add_report(Line* line) {
    static ReportOptions options;
    CLI::App* it = line->add(
        "report", "what fills the memory of a process, who holds it, how it ended",
        "  tarn report /tmp/my.record                      for a person\n"
        "  tarn report /tmp/my.record --html report.html   one file for a browser, to look at or to send\n"
        "  tarn report before.record after.record          who holds more, who less\n"
        "  tarn report /tmp/my.record --pprof heap.pb.gz   then: go tool pprof -http : heap.pb.gz\n"
        "  tarn report 4711 --folded -                     of a process with TARN_RECORD=1; for flame "
        "graphs\n"
        "  tarn report                                     of the last one in the default place\n",
        "Exit status: 0 done; 1 the file cannot be read or is no record, or the output cannot be written;\n"
        "2 the command line is wrong; 3 nothing was sampled, for --pprof and --folded.\n"
        "Debug information is looked for as gdb does, on the servers of DEBUGINFOD_URLS too.",
        [] { return report(options); });
    it->add_option("FILE", options.record,
                   "the record, or the number of a process in the default place; none: the newest there");
    it->add_option("OTHER", options.other, "a second one: how it differs from the first");
    it->add_flag("--json", options.json, "all of it, for programs");
    it->add_option("--html", options.html, "write one HTML file, which needs no network")->type_name("FILE");
    it->add_flag(
        "--anonymous", options.anonymous,
        "without command line, paths, names of files, and what the program named itself; in every format");
    CLI::Option* native = it->add_flag("--native", options.native, "stacks without the frames of scripts");
    CLI::Option* script =
        it->add_flag("--script", options.script, "stacks of the script's frames alone")->excludes(native);
    it->add_flag("--merged", options.merged,
                 "the script's frames in the place of the interpreter's: as without it")
        ->excludes(native)
        ->excludes(script);
    it->add_flag("--no-source", options.no_source, "in --html: without lines of the program's sources");
    it->add_option("--pprof", options.pprof, "write a profile for pprof, and all that reads its format")
        ->type_name("FILE");
    it->add_option("--folded", options.folded, "write collapsed stacks: main;run;load 4096")
        ->type_name("FILE");
    it->add_option("--of", options.of, "in --folded: live, peak (live at the peak) or allocated (ever)")
        ->check(CLI::IsMember({"live", "peak", "allocated"}))
        ->capture_default_str();
    it->add_flag("--objects", options.objects, "in --folded: their number, not their bytes");
    it->add_option("--holders", options.show.holders, "so many of the largest holders")
        ->capture_default_str();
    it->add_option("--seconds", options.show.seconds, "of the curve, 0: from the start")
        ->check(CLI::Range(0, 1'000'000'000))
        ->capture_default_str();
}

void add_top(Line* line) {
    static TopOptions options;
    CLI::App* it = line->add(
        "top", "all processes that record, live: what fills their memory",
        "  tarn top                 all of this user's with TARN_RECORD=1; ? shows the keys\n"
        "  tarn top 4711            one of them, with who holds its memory\n"
        "  tarn top --once --json   once, for programs\n",
        "Exit status: 0 done (q, Ctrl-C); 1 there is no such record, or no terminal to draw on; 2 the "
        "command\n"
        "line is wrong; that of the signal when one ends it. The terminal is as it was in any case.",
        [] { return top(options); });
    it->add_option("PID", options.process, "one process, by its number or its record");
    it->add_option("--dir", options.folder, "where the records are, if not in the default place")
        ->type_name("FOLDER");
    it->add_option("--interval", options.interval, "seconds between two looks")
        ->check(CLI::Range(0.1, 3600.0))
        ->type_name("SECONDS")
        ->capture_default_str();
    it->add_flag("--once", options.once, "print the table as text, and end");
    it->add_flag("--json", options.json, "with --once: for programs, sizes in bytes");
}

void add_export(Line* line) {
    static ExportOptions options;
    CLI::App* it = line->add(
        "export", "serves the numbers of all processes that record, for Prometheus",
        "  tarn export                   then: curl http://127.0.0.1:9464/metrics\n"
        "  tarn export --port 0          at a port that is free, which it prints\n",
        "Exit status: 0 it was ended by SIGTERM or Ctrl-C; 1 it cannot listen there; 2 the command line is "
        "wrong.\nWho reaches the address may read the names of programs: it is for this machine unless you "
        "say so.",
        [] { return export_metrics(options); });
    it->add_option("--port", options.port, "0: any that is free")->type_name("PORT")->capture_default_str();
    it->add_option("--address", options.address, "where to listen; 0.0.0.0: everywhere")
        ->type_name("ADDRESS")
        ->capture_default_str();
    it->add_option("--host", options.hosts, "a name by which it may be asked, besides this machine's own")
        ->type_name("NAME");
    it->add_option("--dir", options.folder, "where the records are, if not in the default place")
        ->type_name("FOLDER");
    it->add_flag("--classes", options.classes, "numbers of each size class, too");
}

void add_compare(Line* line) {
    static CompareOptions options;
    CLI::App* it = line->add(
        "compare", "a command under every allocator there is: time, memory, a verdict",
        "  tarn compare -- python3 program.py\n"
        "  tarn compare --only tarn,jemalloc -n 20 -- ./program\n"
        "  tarn compare --ready-port 7000 --load 'redis-benchmark -p 7000 -q' -- redis-server --port 7000\n",
        "Exit status: 0 compared; 1 nothing can be compared (no such command, it fails with glibc, too, is\n"
        "static or set-user-ID), or the output cannot be written; 2 the command line is wrong; 130 "
        "interrupted\n"
        "(by another signal: 128 and its number); what was measured so far is shown.\n"
        "REGEX: extended regular expressions of POSIX, and \\d.",
        [] { return compare(options); });
    it->add_option("CMD", options.command, "the command with its arguments, behind --")
        ->required()
        ->type_name("");
    it->add_option("-n,--rounds", options.rounds, "so many rounds; else 5 or more, until they are precise")
        ->check(CLI::Range(1, 100'000));
    it->add_option("--max-seconds", options.most_seconds, "no new round after these")
        ->check(CLI::Range(0.0, 1e9))
        ->capture_default_str();
    it->add_option("--only", options.choice.only, "only these besides glibc")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->type_name("NAMES");
    it->add_option("--peer", options.choice.peers, "one more allocator; may be given again")
        ->allow_extra_args(false)
        ->type_name("NAME=FILE");
    it->add_option("--tarn", options.choice.tarn, "tarn's library, if not that beside this command")
        ->type_name("FILE");
    it->add_option("--metric", options.metric, "compare the number in REGEX's group; the higher the better")
        ->type_name("REGEX");
    it->add_option("--metric-lower", options.metric_lower, "the same, the lower the better")
        ->type_name("REGEX");
    it->add_option("--load", options.load, "CMD is a server: measure this, run by sh")->type_name("'CMD'");
    it->add_option("--ready", options.ready, "... when a line of the server's output matches")
        ->type_name("REGEX");
    it->add_option("--ready-port", options.ready_port, "... when it serves this port of TCP")
        ->check(CLI::Range(1, 65535));
    it->add_option("--input", options.input, "CMD's standard input, if not /dev/null")->type_name("FILE");
    it->add_option("--memory", options.memory,
                   "by a control group, the tree of processes, or only the largest of them")
        ->check(CLI::IsMember({"best", "group", "tree", "largest"}))
        ->capture_default_str();
    it->add_flag("--ignore-output", options.ignores_output, "do not compare what CMD writes");
    it->add_flag("--json", options.json, "all figures, for programs");
    it->add_option("--html", options.html, "write a page as well")->type_name("FILE");
}

void add_run(Line* line) {
    static RunOptions options;
    CLI::App* it = line->add("run", "a command under tarn, with a record, and five lines at its end",
                             "  tarn run python3 program.py            as if it ran alone; then how much "
                             "memory, and what to type next\n"
                             "  tarn run --profile -- ./server --port 80   says who holds the memory, by "
                             "function, file and line\n",
                             "Exit status: the command's, and its signal; 125 tarn itself failed, 126 the "
                             "command cannot be executed,\n"
                             "127 it is not there; 2 the command line is wrong. What cannot be served is run "
                             "without tarn, after one\n"
                             "line that says why. The command's children are started as if tarn were not "
                             "there, without --children.",
                             [] { return run(options); });
    it->positionals_at_end();
    it->add_option("CMD", options.command, "the command and its arguments")->required();
    it->add_flag("--profile{512k}", options.profile,
                 "sample allocations, one in so many bytes: --profile=64k")
        ->type_name("[=BYTES]");
    it->add_option("--backend", options.backend,
                   "who serves large blocks: map, mimalloc, jemalloc, system, a plugin");
    it->add_flag("--hardened", options.hardened, "check every free in full");
    it->add_flag("--children", options.children, "what CMD starts runs under tarn too, each with a record");
    it->add_option("-o", options.record, "the record; else where tarn report finds it by its number")
        ->type_name("FILE");
    it->add_flag("-q,--quiet", options.quiet, "without the five lines");
    it->add_option("--library", options.library, "this libtarn.so, not the one beside the command")
        ->type_name("FILE");
}

void add_trim(Line* line) {
    static TrimOptions options;
    CLI::App* it = line->add(
        "trim", "asks a process that records to give back the memory that lies free in it",
        "  tarn trim 4711                  waits until it is obeyed, and says how much became free\n",
        "Exit status: 0 it has obeyed; 1 there is no such process or record, or it is another user's; 2 the\n"
        "command line is wrong; 3 it has not obeyed yet: an idle process does when it goes on.",
        [] { return trim(options); });
    it->add_option("PROCESS", options.record, "its number, or its record")->required();
    it->add_option("--wait", options.wait, "so many seconds at most")
        ->check(CLI::Range(0.0, 1e6))
        ->capture_default_str();
    it->add_flag("--json", options.json, "for programs, in bytes");
}

void add_doctor(Line* line) {
    static DoctorOptions options;
    CLI::App* it =
        line->add("doctor", "is tarn active in a process, or would it be in a command, and if not, why",
                  "  tarn doctor 4711                of a process: which libtarn.so, or why none; limits "
                  "that will matter\n"
                  "  tarn doctor -- ./server         of a command, before it is started\n"
                  "  tarn doctor                     of what is started here, by LD_PRELOAD as it is now\n",
                  "Exit status: 0 it is active, or would be; 1 it is not, or cannot be looked into; 2 the "
                  "command line is\n"
                  "wrong. A health check: HEALTHCHECK CMD tarn doctor 1",
                  [] { return doctor(options); });
    it->positionals_at_end();
    it->add_option("PROCESS|CMD", options.words, "the number of a process, or a command");
    it->add_flag("--json", options.json, "for programs");
    it->add_option("--root", options.root, "where the kernel's files are")->group("");
}

}  // namespace

int main(int count, char** words) {
    try {
        Line line;
        add_run(&line);
        add_report(&line);
        add_top(&line);
        add_compare(&line);
        add_doctor(&line);
        add_trim(&line);
        add_export(&line);
        return line.parse_and_run(count, words);
    } catch (const std::exception& error) {
        return failed(kFailed, error.what());
    }
}
