// SPDX-License-Identifier: MIT
// A backend of the test's own, in the place of glibc's: the library asks for it as TARN_BACKEND=system. A test that
// includes this links no modules/system.cpp.
#pragma once
#include "backend/modules/loader.h"

namespace tarn::sample {

inline const tarn_backend* table = nullptr;  // what the loader finds

}  // namespace tarn::sample

namespace tarn {

// Not inline: it must be here for the linker.
const tarn_backend* system_backend();
const tarn_backend* system_backend() {
    return sample::table;
}

}  // namespace tarn
