// SPDX-License-Identifier: MIT
#include "cli/run/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "cli/run/pipe.h"
#include "cli/run/witness.h"

namespace tarn::cli {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> found;
    for (const std::string& one : strings)
        found.push_back(const_cast<char*>(one.c_str()));
    found.push_back(nullptr);
    return found;
}

// All signals wait, but for those of faults; a child is told of, whatever was inherited.
class Silence {
  public:
    Silence() {
        sigfillset(&all_);
        sigprocmask(SIG_SETMASK, &all_, &before_);
        struct sigaction usual = {};
        usual.sa_handler = SIG_DFL;
        sigaction(SIGCHLD, &usual, &of_children_);
    }
    const sigset_t& all() const { return all_; }
    // As it was: in the child.
    void end() const {
        sigaction(SIGCHLD, &of_children_, nullptr);
        sigprocmask(SIG_SETMASK, &before_, nullptr);
    }

  private:
    sigset_t all_, before_;
    struct sigaction of_children_;
};

// Stopped by the same signal, until somebody continues this process.
void stop_as(int signal) {
    sigset_t only, before;
    sigemptyset(&only);
    sigaddset(&only, signal);
    struct sigaction usual = {}, own;
    usual.sa_handler = SIG_DFL;
    sigaction(signal, &usual, &own);
    raise(signal);
    sigprocmask(SIG_UNBLOCK, &only, &before);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    sigaction(signal, &own, nullptr);
}

// How it ended, or nothing yet. Follows its stops.
bool has_ended(pid_t child, int* status, Witness* witness) {
    pid_t found;
    while ((found = waitpid(child, status, WNOHANG | WUNTRACED)) > 0 || (found < 0 && errno == EINTR)) {
        if (found < 0) continue;
        if (!WIFSTOPPED(*status)) return true;
        stop_as(WSTOPSIG(*status));
        witness->saw(WSTOPSIG(*status));  // this process had it as well, and it is over
    }
    return false;
}

// A shell gives the terminal to this process's group; a command that has made one of its own is meant.
void give_terminal_to(pid_t group) {
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) return;
    if (tcgetpgrp(terminal) == getpgrp()) tcsetpgrp(terminal, group);
    close(terminal);
}

void pass_on(pid_t child, int signal, Witness* witness) {
    pid_t group = getpgid(child);
    bool in_group = group == getpgrp();
    if (signal == SIGCONT && !in_group) give_terminal_to(group);
    if (!(witness->saw(signal) && in_group)) kill(child, signal);
}

int wait_for(pid_t child, const sigset_t& all, Witness* witness) {
    int status = 0;
    while (!has_ended(child, &status, witness)) {
        siginfo_t about;
        int signal = sigwaitinfo(&all, &about);
        // A command that signals its parent does not mean itself.
        bool from_child = about.si_code <= 0 && about.si_pid == child;
        if (signal > 0 && signal != SIGCHLD && !from_child) pass_on(child, signal, witness);
    }
    return status;
}

[[noreturn]] void be_child(pid_t parent, const Silence& silence, int tell,
                           const std::vector<std::string>& command,
                           const std::vector<std::string>& environment) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // who kills this process, or cannot but kill it, means the command
    if (getppid() != parent) _exit(125);
    silence.end();
    int error = become(command, environment);
    ssize_t told = write(tell, &error, sizeof error);
    _exit(told == sizeof error ? 126 : 125);
}

// Whoever waits for the other end of a pipe waits for the command alone.
void leave_streams() {
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd : {STDIN_FILENO, STDOUT_FILENO})
        if (nothing >= 0 && nothing != fd) dup2(nothing, fd);
    if (nothing > STDERR_FILENO) close(nothing);
}

}  // namespace

int become(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
    execvpe(command[0].c_str(), pointers(command).data(), pointers(environment).data());
    return errno;
}

Ended run_child(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
    Silence silence;
    Witness witness;
    Pipe pipe;
    Ended ended;
    pid_t parent = getpid();
    pid_t child = pipe.good() ? fork() : -1;
    if (child == 0) be_child(parent, silence, pipe.writing(), command, environment);
    if (child < 0) {
        ended.error = errno;
        return ended;
    }
    ended.process = child;
    pipe.close_writing();
    leave_streams();
    ssize_t got = read(pipe.reading(), &ended.error, sizeof ended.error);
    if (got != sizeof ended.error) ended.error = 0;
    ended.status = wait_for(child, silence.all(), &witness);
    return ended;
}

void listen_again() {
    sigset_t all;
    sigfillset(&all);
    constexpr timespec kNow = {0, 0};
    while (sigtimedwait(&all, nullptr, &kNow) > 0) {
    }
    sigprocmask(SIG_UNBLOCK, &all, nullptr);
}

void end_as(int status) {
    if (WIFSIGNALED(status)) {
        int signal = WTERMSIG(status);
        // What it dies of was the command's, and so is the core.
        rlimit none = {};
        setrlimit(RLIMIT_CORE, &none);
        prctl(PR_SET_DUMPABLE, 0);
        struct sigaction usual = {};
        usual.sa_handler = SIG_DFL;
        sigaction(signal, &usual, nullptr);
        sigset_t only;
        sigemptyset(&only);
        sigaddset(&only, signal);
        raise(signal);
        sigprocmask(SIG_UNBLOCK, &only, nullptr);
        _exit(128 + signal);
    }
    _exit(WEXITSTATUS(status));
}

}  // namespace tarn::cli
