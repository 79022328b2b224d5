// SPDX-License-Identifier: MIT
#include "measure/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace tarn::measure {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> found;
    for (const std::string& word : words)
        found.push_back(const_cast<char*>(word.c_str()));
    found.push_back(nullptr);
    return found;
}

bool joined(const std::string& group) {
    int file = open(group.c_str(), O_WRONLY | O_CLOEXEC);
    bool done = file >= 0 && write(file, "0", 1) == 1;
    int error = errno;
    if (file >= 0) close(file);
    errno = error;
    return done;
}

bool prepared(const Start& start, pid_t parent) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (start.session == Session::kOwn) {
        setsid();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(127);  // it had ended before the line above
    }
    int wanted[] = {start.input, start.output, start.errors};
    for (int stream = 0; stream < 3; ++stream)
        if (wanted[stream] >= 0 && dup2(wanted[stream], stream) < 0) return false;
    return start.group.empty() || joined(start.group);
}

// The child's end: `report` is closed by an exec that succeeds, and gets errno otherwise.
[[noreturn]] void become(const Start& start, pid_t parent, char* const* command, char* const* environment,
                         int report) {
    if (prepared(start, parent)) execvpe(command[0], command, environment);
    int error = errno;
    if (write(report, &error, sizeof error) != static_cast<ssize_t>(sizeof error)) _exit(126);
    _exit(127);
}

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

double seconds_now() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void Usage::add(const rusage& other) {
    user += seconds_of(other.ru_utime);
    system += seconds_of(other.ru_stime);
    peak_kib = std::max(peak_kib, other.ru_maxrss);
    minor_faults += other.ru_minflt;
    major_faults += other.ru_majflt;
}

// A fork, no spawn that shares memory: Linux lets a process begin with the peak size of the one that it was forked
// from, which for a fork is what is not a file's, and small.
Child::Child(const Start& start) : own_session_(start.session == Session::kOwn) {
    std::vector<char*> command = pointers(start.command), environment = pointers(start.environment);
    int ends[2], error = 0;
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
    pid_t parent = getpid();
    started_ = seconds_now();
    pid_ = fork();
    if (pid_ == 0) become(start, parent, command.data(), environment.data(), ends[1]);
    if (pid_ < 0) error = errno;
    close(ends[1]);
    if (pid_ > 0 && read(ends[0], &error, sizeof error) == static_cast<ssize_t>(sizeof error)) wait();
    close(ends[0]);
    if (error != 0) throw std::system_error(error, std::generic_category(), start.command.front());
    descriptor_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
}

Child::~Child() {
    if (!ended_) {
        signal(SIGKILL);
        wait();
    }
    if (descriptor_ >= 0) close(descriptor_);
}

void Child::signal(int number) const {
    if (!ended_) kill(own_session_ ? -pid_ : pid_, number);
}

bool Child::collect(int options) {
    int status = 0;
    rusage taken;
    pid_t found;
    while ((found = wait4(pid_, &status, options, &taken)) < 0 && errno == EINTR) {
    }
    if (found == 0) return false;
    ended_ = true;
    usage_.wall = seconds_now() - started_;
    if (found != pid_) return true;  // somebody else has waited for it
    usage_.add(taken);
    usage_.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    usage_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return true;
}

const Usage& Child::wait() {
    if (!ended_) collect(0);
    return usage_;
}

bool Child::look() {
    return ended_ || collect(WNOHANG);
}

std::vector<std::string> own_environment() {
    std::vector<std::string> found;
    for (char** variable = environ; *variable; ++variable)
        found.emplace_back(*variable);
    return found;
}

void set_variable(std::vector<std::string>* environment, const std::string& name, const char* value) {
    std::string start = name + "=";
    std::erase_if(*environment,
                  [&](const std::string& one) { return one.compare(0, start.size(), start) == 0; });
    if (value) environment->push_back(start + value);
}

}  // namespace tarn::measure
