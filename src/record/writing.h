// SPDX-License-Identifier: MIT
// Writing: while a thread writes to the mapping. When a signal handler forks over it, what it goes on to write in the
// child must not arrive in the parent's record, and not in the child's own: that one is begun when it is done.
#pragma once
#include <atomic>
#include <cstdint>

#include "os/thread_pointer.h"

namespace tarn::record {

extern thread_local constinit int writing __attribute__((tls_model("initial-exec")));

// In the child of a fork: the pointer of the thread that goes on with what it was writing in the parent; 0: none does.
extern std::atomic<uintptr_t> interrupted_writer;

class [[nodiscard]] Writing {
  public:
    Writing() { writing = writing + 1; }
    ~Writing() {
        writing = writing - 1;
        if (writing == 0 && interrupted_writer.load(std::memory_order_relaxed) == thread_pointer())
            [[unlikely]]
            interrupted_writer.store(0, std::memory_order_relaxed);
    }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;
};

}  // namespace tarn::record
