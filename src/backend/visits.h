// SPDX-License-Identifier: MIT
// Visits: who is inside the chosen backend, so that fork can keep everybody out.
//
// The library behind a module may take its own locks in a handler of fork, and libc then waits for stdio's
// lock: a thread that holds that lock and allocates must not wait for the backend, or fork never ends. So
// while a fork is in progress nobody enters: requests go to `map`, frees wait in a list. No lock is taken here.
//
// Invariant: a thread is inside only while it is counted, and after visits_before_fork has returned nobody else
// is inside until the fork is over.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn {

// errno is kept over the visit.
class [[nodiscard]] Visit {
  public:
    Visit();
    ~Visit();
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    // False: stay out. A fork is in progress, or this thread is a signal handler over a visit of its own.
    explicit operator bool() const { return inside_; }

  private:
    void leave();
    int errno_;
    bool inside_ = false;
    bool signals_blocked_ = false;
    uint64_t signals_ = 0;
};

// Gives a block back to the backend, now or after the fork.
void give_to_backend(void* block, size_t size);

// Handlers of fork. They enclose the backend's own, which it registered as it was loaded.
void visits_before_fork();
void visits_after_fork_parent();
void visits_after_fork_child();

}  // namespace tarn
