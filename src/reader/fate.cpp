// SPDX-License-Identifier: MIT
#include "reader/fate.h"

#include <dirent.h>
#include <sys/sysmacros.h>
#include <time.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>

namespace tarn::reader {
namespace {

constexpr uint64_t kSilenceNs = 10'000'000'000;

struct Process {
    bool there = false;
    char state = '?';  // as in /proc/PID/stat
    std::string start_ticks;
};

// The process with this number, if it began then; "" for whenever.
Process process_of(const std::string& number, const std::string& start_ticks) {
    std::ifstream file("/proc/" + number + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    size_t name_end = text.rfind(')');  // the name may hold anything
    if (name_end == std::string::npos) return {};
    std::istringstream words(text.substr(name_end + 1));
    std::string word, state;
    words >> state;
    for (int field = 4; field <= 22; ++field)
        words >> word;
    bool same = words && (start_ticks.empty() || word == start_ticks);
    // A zombie has ended; nobody has asked how.
    bool there = same && state != "Z" && state != "X";
    return {there, state.empty() ? '?' : state[0], word};
}

const char* doing(char state) {
    switch (state) {
        case 'R':
            return "its first thread is computing";
        case 'S':
            return "its first thread is asleep";
        case 'D':
            return "its first thread waits for the kernel (a disk, a network file system)";
        case 'T':
            return "stopped by a signal";
        case 't':
            return "stopped by a debugger";
        default:
            return "";
    }
}

Fate fate_of(const Record& record, const Process& process, uint64_t silent_ns) {
    switch (record.header.state) {
        case TARN_RECORD_ENDED:
            return Fate::kEnded;
        case TARN_RECORD_EXECED:
            return Fate::kReplaced;
        case TARN_RECORD_STOPPED:
            return Fate::kUnwritten;
        default:
            break;
    }
    if (!process.there) return Fate::kKilled;
    if (process.state == 'T' || process.state == 't') return Fate::kHalted;
    return silent_ns >= kSilenceNs ? Fate::kSilent : Fate::kRunning;
}

}  // namespace

void Mappings::walk() {
    DIR* processes = opendir("/proc");
    while (const dirent* entry = processes ? readdir(processes) : nullptr) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
        std::ifstream maps("/proc/" + std::string(entry->d_name) + "/maps");
        std::string line;
        while (std::getline(maps, line)) {
            // Address, rights, offset, device, inode; a record is mapped shared.
            char rights[5] = "";
            unsigned major_number = 0, minor_number = 0;
            unsigned long inode = 0;
            int found = std::sscanf(line.c_str(), "%*s %4s %*s %x:%x %lu", rights, &major_number,
                                    &minor_number, &inode);
            if (found == 4 && inode != 0 && rights[3] == 's')
                processes_.try_emplace({makedev(major_number, minor_number), inode}, entry->d_name);
        }
    }
    if (processes) closedir(processes);
}

std::string Mappings::process_with(const Input& input) {
    if (!walked_) walk();
    walked_ = true;
    auto found = processes_.find({input.device(), input.inode()});
    return found == processes_.end() ? "" : found->second;
}

namespace {

// For a process in a container, whose number outside is another: who has its record mapped.
Process process_of(const Record& record, const Input& input, Mappings* mappings, Known* known) {
    if (known->gone) return {};
    if (known->number.empty()) {
        known->number = std::to_string(record.who.pid);
        known->start_ticks = std::to_string(record.who.start_ticks);
    }
    Process process = process_of(known->number, known->start_ticks);
    if (process.there) return process;
    known->number = mappings->process_with(input);
    if (!known->number.empty()) process = process_of(known->number, "");
    known->start_ticks = process.start_ticks;
    known->gone = !process.there;
    return process;
}

}  // namespace

uint64_t now_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

State state_of(const Record& record, const Input& input, Mappings* mappings, Known* known) {
    Process process;
    if (record.header.state != TARN_RECORD_ENDED && record.header.state != TARN_RECORD_EXECED)
        process = process_of(record, input, mappings, known);
    uint64_t now = now_ns(), last = record.last_ns();
    uint64_t silent = process.there && now > last ? now - last : 0;
    return {fate_of(record, process, silent), silent, process.there ? doing(process.state) : ""};
}

State state_of(const Record& record, const Input& input) {
    Mappings mappings;
    Known known;
    return state_of(record, input, &mappings, &known);
}

const char* name_of(Fate fate) {
    switch (fate) {
        case Fate::kRunning:
            return "running";
        case Fate::kHalted:
            return "halted";
        case Fate::kSilent:
            return "silent";
        case Fate::kEnded:
            return "ended";
        case Fate::kReplaced:
            return "replaced";
        case Fate::kKilled:
            return "killed";
        case Fate::kUnwritten:
            return "unwritten";
    }
    return "";
}

}  // namespace tarn::reader
