// SPDX-License-Identifier: MIT
// The module's one entry.
#include "guard/sampler.h"
#include "profile/sampler.h"
#include "record/guarding.h"
#include "record/recorder.h"
#include "seam/host.h"

const tarn::Recorder* tarn_recorder_entry(const tarn::Host& host) {
    tarn::record::join_sampler(tarn::profile::sampler_table());
    tarn::record::join_guarding(tarn::guard::guarding_table());
    return tarn::record::begin_recorder(host);
}
