// SPDX-License-Identifier: MIT
#include "seam/recorder.h"

#include "base/message.h"

namespace tarn {

constinit std::atomic<const Recorder*> detail::recorder{nullptr};

namespace {

void tell(const void* pointer, const char* message) {
    if (const Recorder* const record = recorder()) record->misuse(pointer, message);
}

}  // namespace

void set_recorder(const Recorder& recorder) {
    tell_faults_to(tell);
    detail::recorder.store(&recorder, std::memory_order_release);
}

}  // namespace tarn
