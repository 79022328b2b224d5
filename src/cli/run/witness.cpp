// SPDX-License-Identifier: MIT
#include "cli/run/witness.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/run/pipe.h"

namespace tarn::cli {
namespace {

// The last one of those that are pending is taken last: what came before the question is told before the answer.
int question() {
    return SIGRTMAX;
}

[[noreturn]] void look_on(int tell) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "tarn-witness");
    for (int fd = 0; fd < 3; ++fd)
        close(fd);  // whose other ends wait for the command's end alone
    close_range(3, static_cast<unsigned>(tell) - 1, 0);
    close_range(static_cast<unsigned>(tell) + 1, ~0u, 0);
    sigset_t all;
    sigfillset(&all);
    for (;;) {
        int signal = sigwaitinfo(&all, nullptr);
        auto byte = static_cast<unsigned char>(signal);
        if (signal > 0 && write(tell, &byte, 1) != 1) _exit(0);
    }
}

}  // namespace

Witness::Witness() {
    Pipe pipe;
    pid_t parent = getpid();
    process_ = pipe.good() ? fork() : -1;
    if (process_ == 0 && getppid() == parent) look_on(pipe.writing());
    if (process_ == 0) _exit(0);
    told_ = pipe.release_reading();
}

Witness::~Witness() {
    if (process_ > 0) {
        kill(process_, SIGKILL);
        waitpid(process_, nullptr, 0);
    }
    if (told_ >= 0) close(told_);
}

bool Witness::saw(int signal) {
    // The kernel sends to one process of the group after the other.
    constexpr timespec kMoment = {0, 1'000'000};
    constexpr int kPatience = 200;  // ms
    nanosleep(&kMoment, nullptr);
    if (process_ < 0 || kill(process_, question()) != 0) return false;
    // Stopped with the group, and continued by nobody: what it was sent since then it tells when it goes on.
    pollfd answer = {told_, POLLIN, 0};
    bool stopped = poll(&answer, 1, kPatience) == 0;
    if (stopped) kill(process_, SIGCONT);
    unsigned char byte = 0;
    while (read(told_, &byte, 1) == 1 && byte != question())
        seen_.set(byte);
    if (stopped) seen_.reset(SIGCONT);
    bool found = seen_[static_cast<size_t>(signal)];
    seen_.reset(static_cast<size_t>(signal));
    return found;
}

}  // namespace tarn::cli
