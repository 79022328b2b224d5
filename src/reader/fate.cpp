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
};

Process process_of(const std::string& pid, uint64_t start_ticks) {
    std::ifstream file("/proc/" + pid + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    size_t name_end = text.rfind(')');  // the name may hold anything
    if (name_end == std::string::npos) return {};
    std::istringstream words(text.substr(name_end + 1));
    std::string word, state;
    words >> state;
    for (int field = 4; field <= 22; ++field)
        words >> word;
    bool same = words && word == std::to_string(start_ticks);
    // A zombie has ended; nobody has asked how.
    bool there = same && state != "Z" && state != "X";
    return {there, state.empty() ? '?' : state[0]};
}

// Whether a process has the file mapped: for one in a container, whose number outside is another.
Process who_maps(const Input& input) {
    char device[32];
    std::snprintf(device, sizeof device, "%02x:%02x", major(input.device()), minor(input.device()));
    std::string inode = std::to_string(input.inode());
    DIR* processes = opendir("/proc");
    Process found;
    while (const dirent* entry = processes ? readdir(processes) : nullptr) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
        std::ifstream maps("/proc/" + std::string(entry->d_name) + "/maps");
        std::string line, skipped, its_device, its_inode;
        while (!found.there && std::getline(maps, line)) {
            if (line.find(inode) == std::string::npos) continue;
            std::istringstream words(line);
            words >> skipped >> skipped >> skipped >> its_device >> its_inode;
            found.there = its_device == device && its_inode == inode;
        }
        if (found.there) break;
    }
    if (processes) closedir(processes);
    return found;
}

uint64_t now_ns() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
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

State state_of(const Record& record, const Input& input) {
    Process process;
    if (record.header.state != TARN_RECORD_ENDED && record.header.state != TARN_RECORD_EXECED) {
        process = process_of(std::to_string(record.who.pid), record.who.start_ticks);
        if (!process.there) process = who_maps(input);
    }
    uint64_t now = now_ns(), last = record.last_ns();
    uint64_t silent = process.there && now > last ? now - last : 0;
    return {fate_of(record, process, silent), silent, process.there ? doing(process.state) : ""};
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
