// SPDX-License-Identifier: MIT
// Processes and what they have started, by /proc.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tarn::measure {

struct Usage;

std::vector<pid_t> children(pid_t process);
// All that a process has started, and what these have; without itself, and without `except` and what it has started.
std::vector<pid_t> descendants(pid_t process, pid_t except = 0);
// The proportional size of a process: of memory that several share, each is charged its part. None: not to be had.
std::optional<uint64_t> proportional_kib(pid_t process);

std::string read_file(const std::string& path);  // "": it cannot be read

// While one lives, what descendants leave behind becomes this process's child, and goes with this object. What was
// its child before stays alone.
class Family {
  public:
    Family();
    ~Family();
    Family(const Family&) = delete;
    Family& operator=(const Family&) = delete;

    std::vector<pid_t> members(pid_t except = 0) const;
    // By SIGKILL, until nobody is there; what they took is added.
    void end(Usage* usage) const;

  private:
    std::vector<pid_t> others_;
    int was_reaper_ = 0;
};

}  // namespace tarn::measure
