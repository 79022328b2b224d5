// SPDX-License-Identifier: MIT
// Witness: a process in this one's group that takes no part, and tells which signals were sent to the whole group. Those
// the command has got, too; the others were meant for it and came here.
#pragma once
#include <sys/types.h>

#include <bitset>

namespace tarn::cli {

class Witness {
  public:
    // With all signals blocked.
    Witness();
    ~Witness();
    Witness(const Witness&) = delete;
    Witness& operator=(const Witness&) = delete;

    // Whether it got this signal as well, which this process has just got. Asked once for each.
    bool saw(int signal);

  private:
    pid_t process_ = -1;
    int told_ = -1;  // a byte for each signal
    std::bitset<256> seen_;
};

}  // namespace tarn::cli
