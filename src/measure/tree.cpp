// SPDX-License-Identifier: MIT
#include "measure/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "measure/child.h"

namespace tarn::measure {
namespace {

std::vector<std::string> numbers_in(const std::string& folder) {
    std::vector<std::string> found;
    std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(folder.c_str()), closedir);
    while (dirent* entry = open ? readdir(open.get()) : nullptr)
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') found.emplace_back(entry->d_name);
    return found;
}

// For kernels without the lists of children: everybody is asked for its parent, the second field behind the name.
std::vector<pid_t> children_by_parent(pid_t process) {
    std::vector<pid_t> found;
    for (const std::string& name : numbers_in("/proc")) {
        std::string stat = read_file("/proc/" + name + "/stat");
        size_t named = stat.rfind(") ");
        if (named != std::string::npos && std::atoi(stat.c_str() + named + 4) == process)
            found.push_back(std::atoi(name.c_str()));
    }
    return found;
}

}  // namespace

std::string read_file(const std::string& path) {
    std::string text;
    char piece[4096];
    int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    for (ssize_t got; file >= 0 && (got = read(file, piece, sizeof piece)) > 0;)
        text.append(piece, static_cast<size_t>(got));
    if (file >= 0) close(file);
    return text;
}

std::vector<pid_t> children(pid_t process) {
    std::string own = std::to_string(getpid());
    static const bool listed = access(("/proc/" + own + "/task/" + own + "/children").c_str(), R_OK) == 0;
    if (!listed) return children_by_parent(process);
    std::vector<pid_t> found;
    std::string tasks = "/proc/" + std::to_string(process) + "/task/";
    for (const std::string& thread : numbers_in(tasks)) {
        std::string list = read_file(tasks + thread + "/children");
        char* place = list.data();
        for (char* end = nullptr; long child = std::strtol(place, &end, 10); place = end)
            found.push_back(static_cast<pid_t>(child));
    }
    return found;
}

std::vector<pid_t> descendants(pid_t process, pid_t except) {
    std::vector<pid_t> found = {process};
    for (size_t next = 0; next < found.size(); ++next)
        for (pid_t child : children(found[next]))
            if (child != except && std::find(found.begin(), found.end(), child) == found.end())
                found.push_back(child);
    found.erase(found.begin());
    return found;
}

std::optional<uint64_t> proportional_kib(pid_t process) {
    std::string text = read_file("/proc/" + std::to_string(process) + "/smaps_rollup");
    size_t place = text.find("\nPss:");
    if (place == std::string::npos) return {};
    return std::strtoull(text.c_str() + place + 5, nullptr, 10);
}

Family::Family() : others_(children(getpid())) {
    prctl(PR_GET_CHILD_SUBREAPER, &was_reaper_);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

Family::~Family() {
    Usage nobody_asks;
    end(&nobody_asks);
    prctl(PR_SET_CHILD_SUBREAPER, was_reaper_);
}

std::vector<pid_t> Family::members(pid_t except) const {
    std::vector<pid_t> found;
    for (pid_t child : children(getpid())) {
        if (child == except || std::find(others_.begin(), others_.end(), child) != others_.end()) continue;
        found.push_back(child);
        for (pid_t below : descendants(child, except))
            found.push_back(below);
    }
    return found;
}

// Who is ended leaves children of its own to this process: again, until there are none.
void Family::end(Usage* usage) const {
    rusage taken;
    constexpr timespec kMoment = {0, 1'000'000};
    for (int turn = 0; turn < 5000; ++turn) {
        std::vector<pid_t> left = members();
        if (left.empty()) return;
        for (pid_t process : left)
            kill(process, SIGKILL);
        for (pid_t process : left)
            if (wait4(process, nullptr, WNOHANG, &taken) == process) usage->add(taken);
        if (turn != 0) nanosleep(&kMoment, nullptr);
    }
}

}  // namespace tarn::measure
