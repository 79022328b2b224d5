// SPDX-License-Identifier: MIT
// The module's one entry.
#include "record/recorder.h"
#include "seam/host.h"

const tarn::Recorder* tarn_recorder_entry(const tarn::Host& host) {
    return tarn::record::begin_recorder(host);
}
