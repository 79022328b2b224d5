// SPDX-License-Identifier: MIT
#include "cli/top/top.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "cli/common/outcome.h"
#include "cli/top/table.h"
#include "cli/top/view.h"
#include "reader/fate.h"
#include "reader/input.h"

namespace tarn::cli {
namespace {

constexpr size_t kPoints = 64;  // of each process at each look: what its rate follows from

reader::Crowd crowd_of(const TopOptions& options) {
    if (!options.process.empty())
        return reader::Crowd({}, {reader::record_path(options.process)}, reader::Removed::kKept);
    std::vector<std::string> folders = reader::default_folders();
    if (!options.folder.empty()) folders = {options.folder};
    if (!options.folder.empty() && access(options.folder.c_str(), R_OK | X_OK) != 0)
        throw reader::Unreadable(options.folder + ": " + std::strerror(errno));
    return reader::Crowd(folders, {}, reader::Removed::kKept);
}

// Signals that end it, and that of the terminal's size, as something to wait for with others.
class Signals {
  public:
    Signals() {
        sigset_t wanted;
        sigemptyset(&wanted);
        for (int signal : {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGWINCH})
            sigaddset(&wanted, signal);
        sigprocmask(SIG_BLOCK, &wanted, &before_);
        file_ = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
        if (file_ < 0) throw std::runtime_error(std::string("signals: ") + std::strerror(errno));
    }
    ~Signals() {
        close(file_);
        sigprocmask(SIG_SETMASK, &before_, nullptr);
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    int file() const { return file_; }
    // The next one, 0: none.
    int next() const {
        signalfd_siginfo info;
        return read(file_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
    }

  private:
    sigset_t before_;
    int file_ = -1;
};

// Waits for a key, a signal, or until `due_ns`; the signal to end by, or 0.
int wait_and_obey(const Signals& signals, uint64_t due_ns, Screen* screen, View* view) {
    pollfd files[2] = {{STDIN_FILENO, POLLIN, 0}, {signals.file(), POLLIN, 0}};
    uint64_t now = reader::now_ns();
    uint64_t milliseconds = due_ns > now ? (due_ns - now + 999'999) / 1'000'000 : 0;
    poll(files, 2, static_cast<int>(milliseconds));
    while (int signal = signals.next()) {
        if (signal != SIGWINCH) return signal;
        screen->resize();
    }
    bool pressed = false;
    for (Press press = screen->press(); press.key != Key::kNone && !view->is_done();
         press = screen->press()) {
        view->obey(press);
        pressed = true;
    }
    // The terminal has gone.
    bool hung_up = (files[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
    return hung_up && !pressed ? SIGHUP : 0;
}

// Draws until somebody ends it: the signal, or 0.
int watch(reader::Crowd* crowd, const TopOptions& options, const Signals& signals) {
    Screen screen;
    View view(options.process.empty() ? View::Mode::kList : View::Mode::kOne);
    auto interval_ns = static_cast<uint64_t>(options.interval * 1e9);
    while (!view.is_done()) {
        std::string closer = view.closer();
        crowd->look(kPoints, closer);
        view.update(*crowd);
        if (view.closer() != closer) {
            crowd->look(kPoints, view.closer());
            view.update(*crowd);
        }
        uint64_t due = reader::now_ns() + interval_ns;
        while (!view.is_done() && reader::now_ns() < due) {
            view.draw(&screen);
            std::string before = view.closer();
            if (int signal = wait_and_obey(signals, due, &screen, &view)) return signal;
            if (view.closer() != before) break;  // whose curve has not been read
        }
    }
    return 0;
}

int live(reader::Crowd* crowd, const TopOptions& options) {
    // A server of debug information would be waited for.
    unsetenv("DEBUGINFOD_URLS");
    int ended_by = 0;
    {
        Signals signals;
        ended_by = watch(crowd, options, signals);
    }
    if (ended_by == 0 || ended_by == SIGINT) return kDone;
    signal(ended_by, SIG_DFL);  // ncurses has a handler for some
    raise(ended_by);
    return kFailed;
}

}  // namespace

int top(const TopOptions& options) {
    if (options.json && !options.once)
        return failed(kMisused, "--json is for --once; tarn top --help shows how");
    reader::Crowd crowd = crowd_of(options);
    if (!options.once) return live(&crowd, options);
    crowd.look(kPoints);
    std::vector<Row> rows = sorted_rows(crowd.members(), reader::now_ns(), {});
    return write_to("", options.json ? table_json(rows, crowd.unreadable()) : table_text(rows));
}

}  // namespace tarn::cli
