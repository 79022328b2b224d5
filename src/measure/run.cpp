// SPDX-License-Identifier: MIT
#include "measure/run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "measure/tree.h"

namespace tarn::measure {
namespace {

constexpr double kReadyLimit = 60, kEndLimit = 5;            // seconds for a server
constexpr double kSampleEvery = 0.005, kSampleShare = 0.05;  // seconds; of the time, for looking
constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

volatile sig_atomic_t asked_by = 0;
sigset_t unblocked;  // the signals as they were

class Descriptor {
  public:
    explicit Descriptor(int number = -1) : number_(number) {}
    ~Descriptor() { reset(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return number_; }
    void reset(int number = -1) {
        if (number_ >= 0) close(number_);
        number_ = number;
    }

  private:
    int number_;
};

// A pipe whose far end is a command's stream.
class Stream {
  public:
    Stream(const Pattern* metric, const Pattern* ready) : output(metric, ready) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
        near_.reset(ends[0]);
        far_.reset(ends[1]);
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);  // fewer turns; where it may not be, it goes without
    }
    int near_end() const { return near_.get(); }  // -1: all was read
    int far_end() const { return far_.get(); }
    void started() { far_.reset(); }
    void drain() {
        static char piece[1 << 18];
        while (near_end() >= 0) {
            ssize_t got = read(near_end(), piece, sizeof piece);
            if (got < 0) return;
            if (got == 0) near_.reset();
            output.take({piece, static_cast<size_t>(got)});
        }
    }

    Output output;

  private:
    Descriptor near_, far_;
};

double own_seconds() {
    timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

// Looks at a tree now and then, and takes no more than a twentieth of a processor for it.
class TreePeak {
  public:
    explicit TreePeak(bool wanted) : next_(wanted ? seconds_now() + kSampleEvery : 1e300) {}
    double next() const { return next_; }
    uint64_t bytes() const { return peak_; }
    void look(const Family& family, pid_t except) {
        if (seconds_now() < next_) return;
        double begin = own_seconds();
        std::vector<pid_t> members = family.members(except);
        uint64_t sum = 0;
        // Of one alone the kernel itself knows the peak.
        for (size_t i = 0; i < members.size() && members.size() > 1; ++i)
            sum += proportional_kib(members[i]).value_or(0) * 1024;
        peak_ = std::max(peak_, sum);
        next_ = seconds_now() + std::max(kSampleEvery, (own_seconds() - begin) / kSampleShare);
    }

  private:
    double next_;
    uint64_t peak_ = 0;
};

// A command that runs, and what it says.
class Running {
  public:
    Running(Start start, const Pattern* metric, const Pattern* ready, bool reads_output)
        : output(metric, ready), errors(metric, ready), nowhere_(open("/dev/null", O_WRONLY | O_CLOEXEC)) {
        start.session = Session::kOwn;
        start.output = reads_output || metric || ready ? output.far_end() : nowhere_.get();
        start.errors = errors.far_end();
        child.emplace(start);
        output.started();
        errors.started();
    }

    Stream output, errors;
    std::optional<Child> child;
    std::optional<double> metric() const {
        return output.output.metric() ? output.output.metric() : errors.output.metric();
    }
    bool ready() const { return output.output.ready() || errors.output.ready(); }
    void finish() {
        for (Stream* stream : {&output, &errors}) {
            stream->drain();
            stream->output.end();
        }
    }

  private:
    Descriptor nowhere_;
};

class Run {
  public:
    Run(const Task& task, const MemoryMeter& meter)
        : task_(task),
          meter_(meter),
          peak_(meter.by == MemoryBy::kTree),
          deadline_(task.limit > 0 ? seconds_now() + task.limit : 1e300) {}

    Taken command() {
        main_.emplace(started(), task_.metric, nullptr, task_.reads_output);
        while (!main_->child->ended() && turn(0.5)) {
        }
        return ended(*main_, main_->child->usage().wall);
    }

    Taken server() {
        main_.emplace(started(), nullptr, task_.server->ready, false);
        if (std::string failure = wait_until_ready(); !failure.empty()) return failed(failure);
        Start start;
        start.command = {"/bin/sh", "-c", task_.server->load};
        start.environment = own_environment();
        start.input = task_.start.input;
        load_.emplace(start, task_.metric, nullptr, true);
        while (!load_->child->ended() && !main_->child->ended() && turn(0.5)) {
        }
        if (main_->child->ended()) return failed(how_it_ended() + " during the load");
        end_server();
        Taken taken = ended(*load_, load_->child->usage().wall);
        // The server was told to end: how it did is no failure, unless it crashed.
        if (int number = main_->child->usage().signal; number != 0 && number != SIGTERM && number != SIGKILL)
            taken.signal = number;
        return taken;
    }

  private:
    Start started() {
        Start start = task_.start;
        if (meter_.by == MemoryBy::kGroup) {
            group_.emplace(meter_.place);
            if (group_->made()) start.group = group_->processes();
        }
        return start;
    }

    // Waits until something happens, at most so long. Whether there is still time.
    bool turn(double most) {
        std::vector<pollfd> watched;
        for (std::optional<Running>* one : {&main_, &load_}) {
            if (!*one) continue;
            if (!(*one)->child->ended()) watched.push_back({(*one)->child->descriptor(), POLLIN, 0});
            watched.push_back({(*one)->output.near_end(), POLLIN, 0});
            watched.push_back({(*one)->errors.near_end(), POLLIN, 0});
        }
        if (main_->child->descriptor() < 0) most = std::min(most, 0.001);
        double until = std::clamp(std::min(peak_.next(), deadline_) - seconds_now(), 0.0, most);
        timespec time = {0, static_cast<long>(until * 1e9)};
        if (!asked_by) ppoll(watched.data(), watched.size(), &time, &unblocked);
        if (asked_by) throw Interrupted{};
        for (std::optional<Running>* one : {&main_, &load_})
            if (*one) (*one)->child->look();  // first: the clock of one that ended is read here
        for (std::optional<Running>* one : {&main_, &load_}) {
            if (!*one) continue;
            (*one)->output.drain();
            (*one)->errors.drain();
        }
        peak_.look(family_, load_ ? load_->child->pid() : 0);
        late_ = seconds_now() > deadline_;
        return !late_;
    }

    std::string wait_until_ready() {
        double give_up = seconds_now() + kReadyLimit;
        while (task_.server->ready ? !main_->ready() : !takes_connections(task_.server->port)) {
            bool in_time = turn(0.02);
            if (main_->child->ended()) return how_it_ended() + " before it was ready";
            if (!in_time || seconds_now() > give_up) return "it was not ready after a minute";
        }
        return "";
    }

    std::string how_it_ended() const {
        const Usage& usage = main_->child->usage();
        return usage.signal != 0 ? "it was ended by signal " + std::to_string(usage.signal)
                                 : "it ended with status " + std::to_string(usage.status);
    }

    void end_server() {
        main_->child->signal(SIGTERM);
        double give_up = seconds_now() + kEndLimit;
        while (!main_->child->ended() && seconds_now() < give_up)
            turn(0.1);
    }

    Taken failed(const std::string& failure) {
        Taken taken = ended(*main_, 0);
        taken.failure = failure;
        return taken;
    }

    // Everybody goes; then all that was taken is known.
    Taken ended(Running& judged, double wall) {
        Usage usage = main_->child->usage(), of_load;
        main_->child->signal(SIGKILL);
        if (!main_->child->ended()) usage = main_->child->wait();
        if (load_) {
            load_->child->signal(SIGKILL);
            of_load = load_->child->wait();
        }
        family_.end(&usage);
        judged.finish();
        Taken taken;
        taken.wall = wall;
        taken.user = usage.user;
        taken.system = usage.system;
        taken.peak = peak(usage);
        if (auto whole = group_ && group_->made() ? group_->processor() : std::nullopt) {
            taken.user = whole->user;
            taken.system = whole->system;
        }
        taken.metric = judged.metric();
        taken.digest = judged.output.output.digest();
        taken.status = (load_ ? of_load : usage).status;
        taken.signal = (load_ ? of_load : usage).signal;
        main_->errors.drain();
        taken.errors = judged.errors.output.tail();
        if (load_) taken.errors += main_->errors.output.tail();
        if (late_)
            taken.failure = "it had not ended after " + std::to_string(static_cast<int>(task_.limit)) + " s";
        return taken;
    }

    uint64_t peak(const Usage& usage) const {
        uint64_t largest = static_cast<uint64_t>(usage.peak_kib) * 1024;
        if (group_ && group_->made() && group_->peak() != 0) return group_->peak();
        return std::max(largest, peak_.bytes());
    }

    const Task& task_;
    const MemoryMeter& meter_;
    std::optional<Group> group_;
    Family family_;
    TreePeak peak_;
    double deadline_;
    bool late_ = false;
    std::optional<Running> main_, load_;
};

}  // namespace

MemoryMeter best_meter() {
    if (std::optional<GroupPlace> place = usable_group_place()) return {MemoryBy::kGroup, *place};
    return {proportional_kib(getpid()) ? MemoryBy::kTree : MemoryBy::kLargest, {}};
}

Taken run(const Task& task, const MemoryMeter& meter) {
    Run one(task, meter);
    return task.server ? one.server() : one.command();
}

Interrupts::Interrupts() {
    sigset_t blocked;
    sigemptyset(&blocked);
    for (int number : kSignals)
        sigaddset(&blocked, number);
    sigprocmask(SIG_BLOCK, &blocked, &unblocked);
    struct sigaction action = {}, before;
    action.sa_handler = [](int number) { asked_by = number; };
    for (int number : kSignals)  // what is ignored (nohup) stays so
        if (sigaction(number, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(number, &action, nullptr);
}

// The handlers stay: one that comes late does nothing.
Interrupts::~Interrupts() {
    sigprocmask(SIG_SETMASK, &unblocked, nullptr);
}

// Those that came between two runs, too.
int Interrupts::asked() {
    timespec none = {};
    if (!asked_by) ppoll(nullptr, 0, &none, &unblocked);
    return asked_by;
}

bool takes_connections(int port) {
    sockaddr_in four = {};
    four.sin_family = AF_INET;
    four.sin_port = htons(static_cast<uint16_t>(port));
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 six = {};
    six.sin6_family = AF_INET6;
    six.sin6_port = four.sin_port;
    six.sin6_addr = in6addr_loopback;
    Descriptor by_four(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(by_four.get(), reinterpret_cast<sockaddr*>(&four), sizeof four) == 0) return true;
    Descriptor by_six(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return connect(by_six.get(), reinterpret_cast<sockaddr*>(&six), sizeof six) == 0;
}

}  // namespace tarn::measure
