// SPDX-License-Identifier: MIT
// A list that upper rooms join, so that a lower one, which may not include them, can call them. Members are
// constant-initialised and stay for ever: whoever walks it, in a signal handler too, finds every link right.
#pragma once
#include <atomic>

namespace tarn {

// Base of a member.
template <class Member>
struct Joins {
    std::atomic<bool> joined{false};
    Member* next = nullptr;
};

template <class Member>
class JoinList {
  public:
    // Any thread, any time, as often as one likes.
    void join(Member& member) {
        if (member.joined.load(std::memory_order_relaxed)) return;
        if (member.joined.exchange(true, std::memory_order_acq_rel)) return;
        member.next = first_.load(std::memory_order_relaxed);
        while (!first_.compare_exchange_weak(member.next, &member, std::memory_order_release,
                                             std::memory_order_relaxed)) {
        }
    }
    // Last come, first served.
    Member* first() const { return first_.load(std::memory_order_acquire); }

  private:
    std::atomic<Member*> first_{nullptr};
};

}  // namespace tarn
