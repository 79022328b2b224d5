// SPDX-License-Identifier: MIT
#include "cache/thread_cache.h"
#include "guard/report.h"
#include "guard/sampler.h"
#include "os/os.h"
#include "os/shared_file.h"
#include "profile/stack.h"

namespace tarn::guard {

void trace_here(Trace& trace) {
    ThisThread unknown = {};
    ThisThread* const known = this_thread();
    ThisThread& self = known ? *known : unknown;
    if (self.id == 0) self.id = static_cast<uint32_t>(os::thread_id());
    trace.time_ns = os::coarse_nanoseconds();
    const profile::Frames frames = profile::own_frames(self.stack, trace.time_ns, trace.frames, kFramesMost);
    trace.depth = static_cast<uint32_t>(frames.depth);
    trace.cut = frames.cut;
    trace.thread = self.id;
}

}  // namespace tarn::guard
