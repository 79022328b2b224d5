// SPDX-License-Identifier: MIT
#include "base/output.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>

#include "os/os.h"

namespace tarn {

namespace {

constexpr uint64_t bit(int signal) {
    return uint64_t{1} << (signal - 1);
}

// The signals that a write raises in its thread, kept from the program: blocked meanwhile, and taken off when
// this write has caused one. One that was pending before is the program's; none was where it was not blocked.
class Quiet {
    static constexpr uint64_t kRaised = bit(SIGPIPE) | bit(SIGXFSZ);

  public:
    // A job in the background may write to its terminal while SIGTTOU is blocked, instead of being stopped.
    explicit Quiet(bool terminal_too)
        : blocked_before_(os::block_also(kRaised | (terminal_too ? bit(SIGTTOU) : 0))),
          pending_before_(blocked_before_ & kRaised ? os::pending_signals() : 0) {}
    ~Quiet() { os::restore_signals(blocked_before_); }

    void failed(int error) const {
        const int signal = error == EPIPE ? SIGPIPE : error == EFBIG ? SIGXFSZ : 0;
        if (signal && !(pending_before_ & bit(signal))) os::take_pending(signal);
    }

  private:
    uint64_t blocked_before_, pending_before_;
};

// No pointers, which the loader would have to relocate in every process.
struct Reason {
    int error;
    char words[60];
};
constexpr Reason kReasons[] = {
    {EPERM, "permission denied"},
    {EACCES, "permission denied"},
    {ENOENT, "no such file or directory"},
    {EIO, "input/output error"},
    {ENXIO, "nobody has it open for reading, or there is no such device"},
    {EBADF, "it is closed, or not open for writing"},
    {EISDIR, "it is a directory"},
    {ENOTDIR, "a part of the path is not a directory"},
    {ENFILE, "too many open files"},
    {EMFILE, "too many open files"},
    {EFBIG, "the limit on the size of files"},
    {ENOSPC, "no space left on the device"},
    {EDQUOT, "the disk quota is used up"},
    {EROFS, "the file system is read-only"},
    {EPIPE, "its reader is gone"},
    {ECONNRESET, "its reader is gone"},
    {ELOOP, "too many symbolic links"},
    {ENAMETOOLONG, "the name is too long"},
    {ETXTBSY, "it is a program that runs"},
    {ETIMEDOUT, "nobody has read it for two seconds"},
};

}  // namespace

Output::Output(int fd, Waits waits, uint64_t patience) : fd_(fd), waits_(waits), patience_(patience) {}

Output::~Output() {
    if (reopened_ >= 0) os::close(reopened_);
}

// Decides how to write without waiting for ever. A pipe or terminal that blocks is opened a second time, since
// its flags are shared with other processes. Where that fails, it gets pieces that a pipe takes as a whole.
void Output::choose_way() {
    way_ = Way::kPlain;
    if (waits_ == Waits::kAsWrite) return;
    switch (os::file_kind(fd_)) {
        case os::FileKind::kOther:
            return;
        case os::FileKind::kSocket:
            way_ = Way::kSocket;
            return;
        case os::FileKind::kPipe:
        case os::FileKind::kTerminal:
            if (os::non_blocking(fd_)) return;
            reopened_ = os::reopen_non_blocking(fd_);
            way_ = reopened_ >= 0 ? Way::kReopened : Way::kPieces;
    }
}

long Output::attempt(const char* text, size_t length) {
    switch (way_) {
        case Way::kSocket:
            return os::send(fd_, text, length);
        case Way::kReopened:
            return os::write(reopened_, text, length);
        case Way::kPieces:
            if (!os::wait_writable(fd_, 0)) return -EAGAIN;
            return os::write(fd_, text, length < PIPE_BUF ? length : PIPE_BUF);
        case Way::kUnknown:
        case Way::kPlain:
            break;
    }
    return os::write(fd_, text, length);
}

uint64_t Output::patience() const {
    if (until_ == 0) return patience_;
    const uint64_t now = os::nanoseconds();
    return now < until_ ? until_ - now : 0;
}

bool Output::wait() {
    constexpr uint64_t kPause = 1000000;
    if (until_ == 0) until_ = os::nanoseconds() + patience_;
    const uint64_t left = patience();
    if (left == 0) return false;
    // A descriptor that polls as writable and takes nothing is asked again a little later.
    os::wait_writable(stalled_ ? -1 : fd_, stalled_ && left > kPause ? kPause : left);
    stalled_ = !stalled_;
    return true;
}

bool Output::write(const char* text, size_t length) {
    if (error_ || length == 0) return complete();
    const Quiet quiet(waits_ == Waits::kBounded);
    if (way_ == Way::kUnknown) choose_way();
    while (length && !error_) {
        const long done = attempt(text, length);
        if (done > 0) {
            text += done, length -= static_cast<size_t>(done);
            begun_ = true, stalled_ = false;
        } else if (done == -EAGAIN) {
            if (!wait()) error_ = ETIMEDOUT;
        } else if (done != -EINTR) {
            error_ = done ? static_cast<int>(-done) : EIO;
            quiet.failed(error_);
        }
    }
    return complete();
}

void Output::sink(void* output, const char* text, size_t length) {
    static_cast<Output*>(output)->write(text, length);
}

const char* words_for(int error) {
    for (const Reason& reason : kReasons)
        if (reason.error == error) return reason.words;
    return nullptr;
}

}  // namespace tarn
