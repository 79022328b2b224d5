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

int register_frames(const tarn_frames_provider* provider) {
    const Recorder* const record = recorder();
    return record && provider ? record->register_frames(*provider) : -1;
}

void set_recorder(const Recorder& recorder) {
    tell_faults_to(tell);
    detail::recorder.store(&recorder, std::memory_order_release);
}

}  // namespace tarn
