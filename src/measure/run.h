// SPDX-License-Identifier: MIT
// One run of a command, or of a server with a load on it: what it took, what it said, how it ended. Nothing that it has
// started lives on.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "measure/child.h"
#include "measure/group.h"
#include "measure/output.h"

namespace tarn::measure {

// How peak memory is found; the first that can be had.
enum class MemoryBy {
    kGroup,    // the kernel's count of a control group
    kTree,     // the largest sum of proportional sizes seen, and no less than the largest process's own peak
    kLargest,  // the peak of the largest process
};
struct MemoryMeter {
    MemoryBy by = MemoryBy::kLargest;
    GroupPlace place;  // of kGroup
};
MemoryMeter best_meter();

struct Server {
    const Pattern* ready = nullptr;  // a line of its output; or
    int port = 0;                    // a port of TCP that takes connections
    std::string load;                // for sh; it is its time that is measured
};

struct Task {
    Start start;
    const Pattern* metric = nullptr;
    std::optional<Server> server;
    bool reads_output = true;  // else it goes to /dev/null, unless something is looked for in it
    double limit = 0;          // seconds, after which it is ended; 0: none
};

struct Taken {
    double wall = 0, user = 0, system = 0;  // seconds; processor time of the whole tree
    uint64_t peak = 0;                      // bytes
    std::optional<double> metric;
    uint64_t digest = 0;  // of standard output
    int status = 0, signal = 0;
    std::string failure;  // why it is no run; "": it is one
    std::string errors;   // the end of standard error
};

// std::system_error: the command cannot be run. Interrupted: somebody asked for an end meanwhile.
Taken run(const Task& task, const MemoryMeter& meter);
struct Interrupted {};

// While one lives, SIGINT, SIGTERM and SIGHUP end a run and are remembered; they do nothing else.
class Interrupts {
  public:
    Interrupts();
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;
    static int asked();  // the signal, or 0
};

bool takes_connections(int port);

}  // namespace tarn::measure
