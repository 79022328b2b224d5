// SPDX-License-Identifier: MIT
// The frames of scripts in a stack (tarn/frames.h): asked of the providers, named, and put where the interpreter's loop
// stands that runs them.
#pragma once
#include <atomic>

#include "os/os.h"
#include "tarn/frames.h"

namespace tarn::profile {

inline constexpr size_t kScriptFramesMost = 128;

// What one walk over a script's frames needs.
struct ScriptRoom : tarn_frames {
    // Pages that the kernel has said are there, since this walk began. What they hold is the running thread's own, or an error:
    // a page that somebody else gives back meanwhile is none that a frame of this thread leads to. Those that the walk before
    // has read are asked about at once: most of them are wanted again.
    static constexpr size_t kSlots = 128, kAskedMost = 64;
    uintptr_t pages[kSlots];  // twice the number of a page, and 1 where this walk has read it; 0: free
    os::Place asked[kAskedMost];
    uint64_t frames[kScriptFramesMost];
    uintptr_t places[kScriptFramesMost];  // 0: as before; then the number of native frames before it
    bool entry[kScriptFramesMost];
    bool full;  // there were more
    static constexpr size_t kFunctionMost = 255, kFileMost = 511;
    char text[kFunctionMost + 1 + kFileMost];
    alignas(16) char own[1024];
};

// 0; -1: there is no room for another one.
int register_frames(const tarn_frames_provider& provider);
bool has_providers();
// A record was begun: it is told of all providers.
void announce_interpreters();

// A thread's stack as it grows, the innermost frame first.
struct NativeStack {
    uint64_t* frames;
    uintptr_t* places;  // where the stack pointer was in each
    size_t count, most;
    bool cut;
};
void add_script_frames(ScriptRoom& room, NativeStack& stack);

}  // namespace tarn::profile
