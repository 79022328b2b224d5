// SPDX-License-Identifier: MIT
// measure -o RESULT.json [--preload LIBRARIES] [--processor NUMBER] -- COMMAND [ARGUMENT...]
// Starts COMMAND, with LD_PRELOAD for it alone, bound to a processor where one is named, and writes what it took. It is a program of its own since the
// peak resident size of a process begins with that of the process it was forked from: this one is small.
// Its own status: 0 when COMMAND was run, whatever became of it; 2 for bad arguments; 3 when it could not be.
#include <sched.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

#include "measure/child.h"

namespace {

using tarn::measure::Child;
using tarn::measure::Start;
using tarn::measure::Usage;

struct Request {
    const char* result = nullptr;
    const char* preload = nullptr;
    const char* processor = nullptr;
    Start start;
};

bool read_arguments(Request* request, char** arguments) {
    for (++arguments; *arguments; arguments += 2) {
        std::string word = *arguments;
        if (word == "--") {
            for (++arguments; *arguments; ++arguments)
                request->start.command.emplace_back(*arguments);
            return request->result && !request->start.command.empty();
        }
        if (!arguments[1]) return false;
        if (word == "-o")
            request->result = arguments[1];
        else if (word == "--preload")
            request->preload = arguments[1];
        else if (word == "--processor")
            request->processor = arguments[1];
        else
            return false;
    }
    return false;
}

// This process, and so the command.
bool bind_to(const char* processor) {
    char* end;
    const unsigned long number = std::strtoul(processor, &end, 10);
    if (*processor < '0' || *processor > '9' || *end || number >= CPU_SETSIZE) {
        errno = EINVAL;
        return false;
    }
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(number, &only);
    return sched_setaffinity(0, sizeof only, &only) == 0;
}

bool write_result(const char* path, const Usage& usage) {
    std::FILE* file = std::fopen(path, "w");
    if (!file) return false;
    std::fprintf(file, "{\"status\": %d, \"signal\": %d, ", usage.status, usage.signal);
    std::fprintf(file, "\"wall\": %.6f, \"user\": %.6f, \"system\": %.6f, ", usage.wall, usage.user,
                 usage.system);
    std::fprintf(file, "\"peak_kib\": %ld, \"minor_faults\": %ld, \"major_faults\": %ld}\n", usage.peak_kib,
                 usage.minor_faults, usage.major_faults);
    return std::fclose(file) == 0;
}

}  // namespace

int main(int, char** arguments) {
    Request request;
    if (!read_arguments(&request, arguments)) {
        std::fprintf(stderr,
                     "usage: measure -o RESULT.json [--preload LIBRARIES] [--processor NUMBER] -- COMMAND "
                     "[ARGUMENT...]\n");
        return 2;
    }
    if (request.processor && !bind_to(request.processor)) {
        std::fprintf(stderr, "measure: --processor %s: %s\n", request.processor, std::strerror(errno));
        return 2;
    }
    request.start.environment = tarn::measure::own_environment();
    tarn::measure::set_variable(&request.start.environment, "LD_PRELOAD", request.preload);
    try {
        Child child(request.start);
        if (write_result(request.result, child.wait())) return 0;
        std::fprintf(stderr, "measure: %s: %s\n", request.result, std::strerror(errno));
    } catch (const std::system_error& error) {
        std::fprintf(stderr, "measure: %s\n", error.what());
    }
    return 3;
}
