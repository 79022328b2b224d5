// SPDX-License-Identifier: MIT
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace tarn::cli {

// Closed on exec, and never one of the standard streams, which may be closed.
class Pipe {
  public:
    Pipe() {
        int made[2];
        if (pipe2(made, O_CLOEXEC) != 0) return;
        for (int i = 0; i < 2; ++i) {
            ends_[i] = fcntl(made[i], F_DUPFD_CLOEXEC, 3);
            close(made[i]);
        }
    }
    ~Pipe() {
        for (int end : ends_)
            if (end >= 0) close(end);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    bool good() const { return ends_[0] >= 0 && ends_[1] >= 0; }
    int reading() const { return ends_[0]; }
    int writing() const { return ends_[1]; }
    void close_writing() { close(std::exchange(ends_[1], -1)); }
    int release_reading() { return std::exchange(ends_[0], -1); }

  private:
    int ends_[2] = {-1, -1};
};

}  // namespace tarn::cli
