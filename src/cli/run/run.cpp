// SPDX-License-Identifier: MIT
#include "cli/run/run.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "cli/common/outcome.h"
#include "cli/common/words.h"
#include "cli/program/judgement.h"
#include "cli/program/libraries.h"
#include "cli/run/child.h"
#include "cli/run/ending.h"
#include "cli/run/environment.h"
#include "cli/run/place.h"
#include "measure/child.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

constexpr int kOwnFailure = 125, kNotExecutable = 126, kNotFound = 127;

int failed_with(int status, const std::string& why) {
    failed(kFailed, why);
    return status;
}

bool is_size(const std::string& word) {
    size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
    return digits != 0 && word.size() - digits <= 1 &&
           std::string("kKmMgG").find(word.substr(digits)) != std::string::npos;
}

bool is_backend(const std::string& word) {
    constexpr std::array kNames = {"map", "mimalloc", "jemalloc", "system"};
    return std::find(kNames.begin(), kNames.end(), word) != kNames.end() || access(word.c_str(), R_OK) == 0;
}

// "" or what is wrong.
std::string fault_in(const RunOptions& options) {
    if (options.command.empty()) return "say what to run: tarn run -- CMD";
    if (!options.profile.empty() && !is_size(options.profile))
        return "--profile=" + options.profile + " is no size; say a number of bytes as 512k";
    if (!options.backend.empty() && !is_backend(options.backend))
        return "--backend " + options.backend +
               ": there is none; say map, mimalloc, jemalloc, system or the path of a plugin";
    return "";
}

class Run {
  public:
    explicit Run(const RunOptions& options) : options_(options) {}

    int status() {
        if (std::string fault = fault_in(options_); !fault.empty()) return failed(kMisused, fault);
        libraries_ = find_libraries(options_.library);
        if (libraries_.tarn.empty())
            return failed_with(kOwnFailure,
                               (options_.library.empty() ? "libtarn.so is not where it was installed"
                                                         : options_.library + " is not there") +
                                   std::string("; name it by --library FILE"));
        if (libraries_.tarn.find_first_of(": \t\n") != std::string::npos)
            return failed_with(kOwnFailure,
                               libraries_.tarn +
                                   ": the loader takes no name with a blank or colon; name a link to it by "
                                   "--library FILE");
        program_ = find_program(options_.command[0]);
        if (program_.empty())
            return failed_with(kNotFound, shown(options_.command[0]) + ": command not found");
        judgement_ = judge(program_);
        return judgement_.served() ? served() : unserved();
    }

  private:
    static std::string shown(const std::string& word) { return reader::printable(word); }

    bool wants_jemalloc() const {
        const char* named = std::getenv("TARN_BACKEND");
        return (options_.backend.empty() ? named ? named : "" : options_.backend) == std::string("jemalloc");
    }

    Added added() const {
        Added added;
        // First what takes the traces out: it is begun last.
        if (!options_.children && !libraries_.follow.empty()) added.preload = libraries_.follow + ":";
        added.preload += libraries_.tarn;
        if (wants_jemalloc() && !libraries_.jemalloc.empty()) added.preload += ":" + libraries_.jemalloc;
        added.variables.emplace_back("TARN_RECORD", place_.pattern);
        if (!options_.children) added.variables.emplace_back("TARN_RECORD_CHILDREN", "0");
        if (!options_.profile.empty()) added.variables.emplace_back("TARN_PROFILE", options_.profile);
        if (!options_.backend.empty()) {
            bool is_path = options_.backend.find('/') != std::string::npos;
            added.variables.emplace_back("TARN_BACKEND",
                                         is_path ? absolute(options_.backend) : options_.backend);
        }
        if (options_.hardened) added.variables.emplace_back("TARN_HARDENED", "1");
        return added;
    }

    std::vector<std::string> environment() const {
        return with_added(measure::own_environment(), added(),
                          options_.children ? ForWhom::kChildrenToo : ForWhom::kCommand);
    }

    int not_executed(int error) const {
        return failed_with(error == ENOENT ? kNotFound : kNotExecutable,
                           shown(options_.command[0]) + ": " + std::strerror(error));
    }

    // There is nothing to wait for: it takes this process's place.
    int unserved() {
        failed(kDone, judgement_.line() + "; it is run without tarn");
        std::vector<std::string> environment = measure::own_environment();
        if (options_.children && judgement_.effect != Effect::kRefused) {
            place_ = choose_place(options_.record);
            if (place_.pattern.empty()) return failed_with(kOwnFailure, place_.fault);
            environment = this->environment();
        }
        return not_executed(become(options_.command, environment));
    }

    int served() {
        place_ = choose_place(options_.record);
        if (place_.pattern.empty()) return failed_with(kOwnFailure, place_.fault);
        Ended ended = run_child(options_.command, environment());
        if (ended.process == 0)
            return failed_with(kOwnFailure, std::string("no process: ") + std::strerror(ended.error));
        if (ended.error) return not_executed(ended.error);
        listen_again();
        if (!options_.quiet) tell(ended);
        end_as(ended.status);
    }

    std::string how(const reader::Record& record, int status) const {
        std::string lasted = " after " + time_word(record.last_ns() - record.header.started_ns);
        if (WIFSIGNALED(status))
            return std::string("killed by SIG") + sigabbrev_np(WTERMSIG(status)) + lasted;
        bool silently = record.header.state == TARN_RECORD_RUNNING;
        return (silently              ? "ended without a word"
                : WEXITSTATUS(status) ? "ended with status " + std::to_string(WEXITSTATUS(status))
                                      : std::string("ended")) +
               lasted;
    }

    std::string tarn(const char* verb) const { return shown(program_invocation_name) + " " + verb; }

    // What makes small objects come to malloc in interpreters that have pools of their own.
    static std::string opened(const std::string& executable) {
        auto begins = [&](std::string_view name) {
            return base_name(executable).compare(0, name.size(), name) == 0;
        };
        if (begins("python") && !std::getenv("PYTHONMALLOC")) return "PYTHONMALLOC=malloc ";
        return begins("php") && !std::getenv("USE_ZEND_ALLOC") ? "USE_ZEND_ALLOC=0 " : "";
    }

    std::string command_line() const {
        std::string line;
        for (const std::string& word : options_.command) {
            bool plain = !word.empty() && word.find_first_not_of(
                                              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789_-+=./,:@%") == std::string::npos;
            std::string quoted;
            for (char byte : word)
                quoted += byte == '\'' ? std::string("'\\''") : std::string(1, byte);
            line += " " + (plain ? word : "'" + quoted + "'");
        }
        constexpr size_t kMost = 60;
        return cut(shown(line), kMost);
    }

    void tell(const Ended& ended) const {
        unsetenv("DEBUGINFOD_URLS");  // not to wait for servers
        std::string path = find_record(place_, ended.process, base_name(options_.command[0]));
        if (path.empty()) {
            failed(kDone, "nothing was recorded of " + shown(options_.command[0]) + "; " + tarn("doctor --") +
                              command_line() + " looks for a reason");
            return;
        }
        try {
            reader::Record record = reader::read_record(path);
            Ending words;
            words.path = path;
            words.how = how(record, ended.status);
            words.report = tarn("report ") + (place_.usual ? std::to_string(ended.process) : shown(path));
            words.profile = opened(record.who.executable) + tarn("run --profile --") + command_line();
            std::string text = ending(&record, words);
            if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // nobody is there to be told
        } catch (const std::exception& error) {
            failed(kDone, error.what());
        }
    }

    const RunOptions& options_;
    Libraries libraries_;
    std::string program_;
    Judgement judgement_;
    Place place_;
};

}  // namespace

int run(const RunOptions& options) {
    return Run(options).status();
}

}  // namespace tarn::cli
