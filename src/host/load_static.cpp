// SPDX-License-Identifier: MIT
// In libtarn.a the module is linked in.
#include "host/host.h"
#include "seam/host.h"

namespace tarn {

const Recorder* load_recorder(const Host& host) {
    return tarn_recorder_entry(host);
}

}  // namespace tarn
