// SPDX-License-Identifier: MIT
// The module's one entry.
#include "profile/sampler.h"
#include "record/recorder.h"
#include "seam/host.h"

const tarn::Recorder* tarn_recorder_entry(const tarn::Host& host) {
    tarn::record::join_sampler(tarn::profile::sampler_table());
    return tarn::record::begin_recorder(host);
}
