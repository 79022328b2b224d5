// SPDX-License-Identifier: MIT
#include "cli/trim/trim.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "cli/common/outcome.h"
#include "cli/common/words.h"
#include "reader/fate.h"
#include "reader/live/request.h"
#include "reader/record.h"
#include "reader/text.h"

namespace tarn::cli {
namespace {

using std::chrono::steady_clock;

constexpr uint32_t kAsked = TARN_RECORD_REQUEST_TRIM | TARN_RECORD_REQUEST_PUBLISH;
constexpr int kNotYet = 3;

bool is_number(const std::string& word) {
    return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
}

// Why a process cannot be asked, whose record is not where ours are; "" where nothing is known.
std::string fault_of(const std::string& process) {
    struct stat status;
    if (stat(("/proc/" + process).c_str(), &status) != 0) return "process " + process + ": there is none";
    if (status.st_uid == geteuid()) return "";
    const passwd* user = getpwuid(status.st_uid);
    std::string name = user ? user->pw_name : std::to_string(status.st_uid);
    return "process " + process + " is " + name + "'s; ask as " + name + ", or name its record";
}

std::string path_of(const std::string& word) {
    try {
        return reader::record_path(word);
    } catch (const reader::Unreadable&) {
        if (std::string fault = is_number(word) ? fault_of(word) : ""; !fault.empty())
            throw reader::Unreadable(fault);
        throw;
    }
}

// By the kernel, which needs no snapshot; else by the newest one.
uint64_t resident(const reader::Record& record) {
    std::ifstream file(fmt::format("/proc/{}/statm", record.who.pid));
    uint64_t size = 0, pages = 0;
    if (file >> size >> pages) return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    return record.stats ? record.stats->resident : 0;
}

struct Obeyed {
    uint64_t bytes;  // given back
    uint64_t resident;
};

class Trim {
  public:
    Trim(const TrimOptions& options, const std::string& path)
        : options_(options), input_(path), record_(reader::read_record(input_)) {}

    int status() {
        reader::State state = state_of(record_, input_);
        if (!is_there(state))
            return failed(kFailed, name() + " " + name_of(state.fate) + ": there is nobody to ask");
        uint64_t before = resident(record_),
                 events = record_.events.empty() ? 0 : record_.events.back().number + 1;
        reader::ask(input_.path(), kAsked);
        std::optional<Obeyed> obeyed = wait_for(events);
        if (options_.json) return show_json(before, obeyed);
        if (!obeyed) return say_why();
        return write_to(
            "", fmt::format("{}: {} given back; {} resident before, {} now\n", name(),
                            bytes_word(obeyed->bytes), bytes_word(before), bytes_word(obeyed->resident)));
    }

  private:
    static bool is_there(const reader::State& state) {
        return state.fate == reader::Fate::kRunning || state.fate == reader::Fate::kSilent ||
               state.fate == reader::Fate::kHalted;
    }
    std::string name() const {
        return fmt::format("{}, process {}", reader::printable(record_.who.program), record_.who.pid);
    }

    // The event that tells of it, and that is newer than what was there.
    std::optional<Obeyed> done_since(uint64_t events) const {
        reader::Record now = reader::read_record(input_);
        for (const reader::Event& event : now.events)
            if (event.kind == TARN_RECORD_EVENT_TRIM && event.b == 1 && event.number >= events)
                return Obeyed{event.a, resident(now)};
        return {};
    }

    bool pending() const {
        uint64_t asked = 0;
        input_.read(offsetof(tarn_record_header, requests), &asked, sizeof asked);
        return (asked & kAsked) != 0;
    }

    std::optional<Obeyed> wait_for(uint64_t events) const {
        constexpr auto kLook = std::chrono::milliseconds(10);
        auto end = steady_clock::now() + std::chrono::duration<double>(options_.wait);
        for (;;) {
            if (!pending())
                if (std::optional<Obeyed> found = done_since(events)) return found;
            if (steady_clock::now() >= end) return {};
            std::this_thread::sleep_for(kLook);
        }
    }

    int say_why() const {
        reader::State state = state_of(reader::read_record(input_), input_);
        if (!is_there(state)) return failed(kFailed, name() + " has ended meanwhile");
        std::string doing = state.waiting.empty() ? "" : " (" + state.waiting + ")";
        failed(kFailed,
               fmt::format(
                   "{} has not obeyed for {} s{}: it does so at its next request for memory of some size",
                   name(), options_.wait, doing));
        return kNotYet;
    }

    int show_json(uint64_t before, const std::optional<Obeyed>& obeyed) const {
        nlohmann::ordered_json shown = {
            {"process", record_.who.pid}, {"obeyed", obeyed.has_value()}, {"resident_before", before}};
        if (obeyed) {
            shown["given_back"] = obeyed->bytes;
            shown["resident"] = obeyed->resident;
        }
        Status written = write_to("", shown.dump() + "\n");
        return written == kDone && !obeyed ? kNotYet : written;
    }

    const TrimOptions& options_;
    reader::Input input_;
    reader::Record record_;
};

}  // namespace

int trim(const TrimOptions& options) {
    return Trim(options, path_of(options.record)).status();
}

}  // namespace tarn::cli
