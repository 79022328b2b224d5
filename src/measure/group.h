// SPDX-License-Identifier: MIT
// Control groups: the kernel's own account of a whole tree of processes, where this user may make a group.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tarn::measure {

// Folders in which a group may be made, the likeliest first, and the file of a group that has its peak.
struct GroupPlace {
    std::string folder, peak_file;
};
// Of /proc/self/cgroup and /proc/self/mountinfo. Version 2: within the own group, or beside it, since a group that has
// processes can have no others below it. Version 1: within.
std::vector<GroupPlace> group_places(const std::string& cgroup, const std::string& mountinfo);

// A group of its own, for one run; who is left in it is ended with it.
class Group {
  public:
    explicit Group(const GroupPlace& place);  // empty where it cannot be made
    ~Group();
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;

    bool made() const { return !folder_.empty(); }
    std::string processes() const { return folder_ + "/cgroup.procs"; }
    uint64_t peak() const;  // bytes: of the processes, with the page cache and kernel memory that they made
    // Processor time of all that were ever in it, seconds.
    struct Processor {
        double user = 0, system = 0;
    };
    std::optional<Processor> processor() const;

  private:
    std::string folder_, peak_file_;
};

// A place where a process could join a group and was counted, tried out.
std::optional<GroupPlace> usable_group_place();

}  // namespace tarn::measure
