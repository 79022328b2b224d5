// SPDX-License-Identifier: MIT
#include "cache/thread_cache.h"
#include "guard/report.h"
#include "guard/sampler.h"
#include "os/os.h"
#include "os/shared_file.h"
#include "profile/stack.h"

namespace tarn::guard {

void trace_here(Trace& trace) {
    unwind::Memory::Range unknown;
    unwind::Memory::Range* const known = own_stack_range();
    trace.time_ns = os::coarse_nanoseconds();
    const profile::Frames frames =
        profile::own_frames(known ? *known : unknown, trace.time_ns, trace.frames, kFramesMost);
    trace.depth = static_cast<uint32_t>(frames.depth);
    trace.cut = frames.cut;
    trace.thread = static_cast<uint32_t>(os::thread_id());
}

}  // namespace tarn::guard
