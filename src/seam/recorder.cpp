// SPDX-License-Identifier: MIT
#include "seam/recorder.h"

#include "base/message.h"

namespace tarn {

constinit std::atomic<const Recorder*> detail::recorder{nullptr};

namespace {

void tell(const void* pointer, const char* message) {
    if (const Recorder* const record = recorder()) record->misuse(pointer, message);
}
constinit FaultStep fault_step{tell};

}  // namespace

void set_recorder(const Recorder& recorder) {
    join_faults(fault_step);
    detail::recorder.store(&recorder, std::memory_order_release);
}

}  // namespace tarn
