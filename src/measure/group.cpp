// SPDX-License-Identifier: MIT
#include "measure/group.h"

#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <system_error>

#include "measure/child.h"
#include "measure/tree.h"

namespace tarn::measure {
namespace {

struct Mount {
    std::string root, point, kind, options;
};

// "36 35 98:0 /root /point options fields... - kind source options"
std::vector<Mount> mounts_of(const std::string& mountinfo) {
    std::vector<Mount> found;
    std::istringstream lines(mountinfo);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line), rest(line.substr(std::min(line.size(), line.find(" - ") + 3)));
        std::string skipped;
        Mount mount;
        words >> skipped >> skipped >> skipped >> mount.root >> mount.point;
        rest >> mount.kind >> skipped >> mount.options;
        found.push_back(mount);
    }
    return found;
}

bool lists(const std::string& commas, const std::string& name) {
    return ("," + commas + ",").find("," + name + ",") != std::string::npos;
}

// Where a group is to be seen; "": the mount does not show it.
std::string folder_of(const std::string& group, const Mount& mount) {
    if (mount.root == "/") return mount.point + (group == "/" ? "" : group);
    if (group.compare(0, mount.root.size(), mount.root) != 0) return "";
    return mount.point + group.substr(mount.root.size());
}

std::string parent_of(const std::string& group) {
    size_t slash = group.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : group.substr(0, slash);
}

}  // namespace

std::vector<GroupPlace> group_places(const std::string& cgroup, const std::string& mountinfo) {
    std::vector<Mount> mounts = mounts_of(mountinfo);
    std::vector<GroupPlace> found;
    std::istringstream lines(cgroup);
    for (std::string line; std::getline(lines, line);) {  // "NUMBER:CONTROLLERS:GROUP"
        size_t first = line.find(':'), second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        std::string controllers = line.substr(first + 1, second - first - 1), group = line.substr(second + 1);
        for (const Mount& mount : mounts) {
            bool is_two = controllers.empty() && mount.kind == "cgroup2";
            bool is_one =
                lists(controllers, "memory") && mount.kind == "cgroup" && lists(mount.options, "memory");
            for (const std::string& place : {group, is_two ? parent_of(group) : group}) {
                std::string folder = is_two || is_one ? folder_of(place, mount) : "";
                if (!folder.empty() && (found.empty() || found.back().folder != folder))
                    found.push_back({folder, is_two ? "memory.peak" : "memory.max_usage_in_bytes"});
            }
        }
    }
    return found;
}

Group::Group(const GroupPlace& place) : peak_file_(place.peak_file) {
    static int made_so_far = 0;
    std::string folder =
        place.folder + "/tarn-compare-" + std::to_string(getpid()) + "-" + std::to_string(++made_so_far);
    if (mkdir(folder.c_str(), 0755) != 0) return;
    if (access((folder + "/" + peak_file_).c_str(), R_OK) == 0)
        folder_ = folder;
    else
        rmdir(folder.c_str());
}

// A group can be removed when the last of its processes is gone for good, which takes a moment.
Group::~Group() {
    if (!made()) return;
    constexpr timespec kMoment = {0, 1'000'000};
    for (int turn = 0; turn < 2000 && rmdir(folder_.c_str()) != 0; ++turn) {
        std::istringstream left(read_file(processes()));
        for (pid_t process; left >> process;)
            kill(process, SIGKILL);
        nanosleep(&kMoment, nullptr);
    }
}

uint64_t Group::peak() const {
    return std::strtoull(read_file(folder_ + "/" + peak_file_).c_str(), nullptr, 10);
}

std::optional<Group::Processor> Group::processor() const {
    std::istringstream words(read_file(folder_ + "/cpu.stat"));
    Processor found;
    bool known = false;
    std::string name;
    for (double value; words >> name >> value;) {
        known |= name == "user_usec";
        if (name == "user_usec") found.user = value / 1e6;
        if (name == "system_usec") found.system = value / 1e6;
    }
    return known ? std::optional<Processor>(found) : std::nullopt;
}

std::optional<GroupPlace> usable_group_place() {
    for (const GroupPlace& place :
         group_places(read_file("/proc/self/cgroup"), read_file("/proc/self/mountinfo"))) {
        Group group(place);
        if (!group.made()) continue;
        try {
            Start start;
            start.command = {"true"};
            start.environment = own_environment();
            start.group = group.processes();
            Child child(start);
            child.wait();
            if (group.peak() != 0) return place;
        } catch (const std::system_error&) {  // it may be made, but not joined
        }
    }
    return {};
}

}  // namespace tarn::measure
