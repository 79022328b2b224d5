// SPDX-License-Identifier: MIT
// Missed: what a supply of memory gave back to the kernel and was asked for again. So much it had better keep
// the next time: a program whose memory comes and goes pays for each return with page faults. In any unit; no
// lock of its own.
#pragma once
#include <algorithm>
#include <cstddef>

namespace tarn {

class Missed {
  public:
    void returned(size_t amount) { away_ += amount; }
    // Somebody asked for so much, and the kernel had to give it. At most `most` is worth keeping.
    void asked(size_t amount, size_t most) {
        const size_t again = std::min(amount, away_);
        away_ -= again;
        worth_keeping_ = std::min(worth_keeping_ + again, most);
    }
    void not_needed(size_t amount) { worth_keeping_ -= std::min(amount, worth_keeping_); }
    size_t worth_keeping() const { return worth_keeping_; }

  private:
    size_t away_ = 0;  // and, as far as is known, not asked for again
    size_t worth_keeping_ = 0;
};

}  // namespace tarn
