// SPDX-License-Identifier: MIT
// One process, started and waited for, and what the kernel says that it took.
// scripts/bench is built on this file alone: nothing but libc and libstdc++.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

struct rusage;

namespace tarn::measure {

double seconds_now();  // of a clock that only goes forward

enum class Session { kShared, kOwn };

struct Start {
    std::vector<std::string> command;          // looked for in PATH
    std::vector<std::string> environment;      // all of it, NAME=VALUE
    int input = -1, output = -1, errors = -1;  // descriptors in place of the three streams; -1: as they are
    Session session =
        Session::kShared;  // its own: no terminal's signals reach it, and it goes with its parent
    std::string group;     // a file like cgroup.procs, which it joins by; "": none
};

struct Usage {
    double wall = 0, user = 0, system = 0;  // seconds; processor time with that of children waited for
    long peak_kib = 0;                      // the largest resident size of one process
    long minor_faults = 0, major_faults = 0;
    int status = 0, signal = 0;     // exit status, -1 after a signal
    void add(const rusage& other);  // all but how it ended
};

class Child {
  public:
    explicit Child(const Start& start);  // std::system_error: the command cannot be run, and why
    ~Child();                            // ends the process, not what it has started
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const { return pid_; }
    int descriptor() const {
        return descriptor_;
    }  // can be read from when it has ended; -1: the kernel has none
    bool ended() const { return ended_; }
    // Waits for its end, or only looks whether it has come.
    const Usage& wait();
    bool look();
    const Usage& usage() const { return usage_; }
    void signal(int number) const;  // to its session, where it has one of its own

  private:
    bool collect(int options);

    pid_t pid_ = -1;
    int descriptor_ = -1;
    bool own_session_;
    bool ended_ = false;
    double started_ = 0;
    Usage usage_;
};

// The variables of this process, one of them set to something else or (null) unset.
std::vector<std::string> own_environment();
void set_variable(std::vector<std::string>* environment, const std::string& name, const char* value);

}  // namespace tarn::measure
