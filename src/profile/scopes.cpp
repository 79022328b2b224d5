// SPDX-License-Identifier: MIT
#include "profile/scopes.h"

#include <string.h>

#include <atomic>

#include "profile/names.h"

namespace tarn::profile {

namespace {

constexpr uint32_t kDepth = 16;
constexpr size_t kNameMost = 255;

struct Scope {
    const char* name;
    uintptr_t place;  // the stack pointer
};
struct Scopes {
    Scope open[kDepth];
    uint32_t depth;
};
thread_local constinit Scopes scopes __attribute__((tls_model("initial-exec"))) = {};

// The frame of this name; 0: there is no room for it.
uint64_t frame_of(const char* name) {
    const uint32_t place = place_of_name(name, strnlen(name, kNameMost));
    return place == kNoName ? 0 : TARN_RECORD_FRAME_NAME | place;
}

}  // namespace

tarn_scope begin_scope(const char* name) {
    const uint32_t depth = scopes.depth;
    if (depth >= kDepth || !name) return {};
    scopes.open[depth] = {name, reinterpret_cast<uintptr_t>(__builtin_frame_address(0))};
    std::atomic_signal_fence(std::memory_order_seq_cst);
    scopes.depth = depth + 1;
    return {depth + 1};
}

void end_scope(tarn_scope scope) {
    if (scope.level > 0 && scope.level <= scopes.depth) scopes.depth = scope.level - 1;
}

size_t add_scopes(uint64_t* frames, const uintptr_t* places, size_t count, size_t most) {
    size_t at = 0, put = 0;  // of the frame that is looked at; scopes before it
    for (uint32_t left = scopes.depth; left > 0 && count + put < most; --left) {
        const Scope& scope = scopes.open[left - 1];
        while (at < count && places[at] <= scope.place)
            ++at;
        const uint64_t frame = frame_of(scope.name);
        if (frame == 0) continue;
        memmove(frames + at + put + 1, frames + at + put, (count - at) * sizeof *frames);
        frames[at + put] = frame;
        ++put;
    }
    return count + put;
}

}  // namespace tarn::profile
