// SPDX-License-Identifier: MIT
// What must hold once a state was changed. Builds with assertions look, and end with a message where it does not; with
// NDEBUG there is neither the look nor what it would look at.
#pragma once
#include "base/message.h"

namespace tarn {

#ifdef NDEBUG
inline constexpr bool kExpecting = false;
#else
inline constexpr bool kExpecting = true;
#endif

// `find` returns what does not hold, in words, or NULL; it is not called with NDEBUG.
template <class Find>
[[gnu::always_inline]] inline void expect_none(const void* about, Find find) {
    if constexpr (kExpecting)
        if (const char* const found = find()) die(Fault::kInternal, about, found);
}

// The same for one condition.
template <class Holds>
[[gnu::always_inline]] inline void expect(const void* about, const char* otherwise, Holds holds) {
    if constexpr (kExpecting)
        if (!holds()) die(Fault::kInternal, about, otherwise);
}

}  // namespace tarn
