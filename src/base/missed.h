// SPDX-License-Identifier: MIT
// Missed: what a supply of memory gave back to the kernel and was asked for again. So much it had better keep
// the next time: a program whose memory comes and goes pays for each return with page faults. In bytes or units, as
// the supply counts; no lock of its own.
#pragma once
#include <algorithm>

namespace tarn {

template <class Amount>
class Missed {
  public:
    void returned(Amount amount) { away_ += amount; }
    // Somebody asked for so much, and the kernel had to give it. At most `most` is worth keeping.
    void asked(Amount amount, Amount most) {
        using std::min;
        const Amount again = min(amount, away_);
        away_ -= again;
        worth_keeping_ = min(worth_keeping_ + again, most);
    }
    void not_needed(Amount amount) {
        using std::min;
        worth_keeping_ -= min(amount, worth_keeping_);
    }
    Amount worth_keeping() const { return worth_keeping_; }

  private:
    Amount away_{};  // and, as far as is known, not asked for again
    Amount worth_keeping_{};
};

}  // namespace tarn
