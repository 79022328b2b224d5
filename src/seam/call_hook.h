// SPDX-License-Identifier: MIT
// A function of which the calls that loaded objects make are to lead elsewhere (export/plt_hook.h).
#pragma once
#include <cstdint>

namespace tarn {

struct CallHook {
    const char* function;
    const void*
        original;  // only calls that lead there, or that nobody has made yet; NULL: wherever they lead
    void* replacement;
};
// Which objects were looked at: those that are loaded later follow.
struct HookedObjects {
    uint64_t added = 0;
};

}  // namespace tarn
