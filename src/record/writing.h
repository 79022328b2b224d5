// SPDX-License-Identifier: MIT
// Writing: while a thread writes to the mapping. When a signal handler forks over it, what it goes on to write in the
// child must not arrive in the parent's record.
#pragma once

namespace tarn::record {

extern thread_local constinit int writing __attribute__((tls_model("initial-exec")));

class [[nodiscard]] Writing {
  public:
    Writing() { writing = writing + 1; }
    ~Writing() { writing = writing - 1; }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;
};

}  // namespace tarn::record
