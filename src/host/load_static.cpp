// SPDX-License-Identifier: MIT
// In libtarn.a the module is linked in.
#include "host/host.h"
#include "seam/host.h"

namespace tarn {

const Recorder* load_recorder(const Host& host) {
    return tarn_recorder_entry(host);
}

// A static program that is an interpreter registers by itself.
void load_frames() {}

}  // namespace tarn
