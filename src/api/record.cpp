// SPDX-License-Identifier: MIT
// tarn/record.h and tarn/frames.h implemented: without a recorder nothing is done.
#include "tarn/record.h"

#include <errno.h>

#include "seam/recorder.h"
#include "tarn/frames.h"

int tarn_record_active() {
    const tarn::Recorder* const record = tarn::recorder();
    return record ? record->active() : 0;
}

const char* tarn_record_path() {
    const tarn::Recorder* const record = tarn::recorder();
    return record ? record->path() : "";
}

void tarn_record_phase(const char* name) {
    if (const tarn::Recorder* const record = tarn::recorder()) record->phase(name);
}

int tarn_record_snapshot_now(const char* name) {
    const tarn::Recorder* const record = tarn::recorder();
    return record ? record->snapshot_now(name) : -1;
}

int tarn_record_start_sampling(size_t interval) {
    const tarn::Recorder* const record = tarn::recorder();
    return record ? record->start_sampling(interval) : -1;
}

int tarn_record_stop_sampling() {
    const tarn::Recorder* const record = tarn::recorder();
    return record ? record->stop_sampling() : -1;
}

tarn_scope tarn_scope_begin(const char* name) {
    const tarn::Recorder* const record = tarn::recorder();
    return record ? record->begin_scope(name) : tarn_scope{};
}

void tarn_scope_end(tarn_scope scope) {
    if (const tarn::Recorder* const record = tarn::recorder()) record->end_scope(scope);
}

int tarn_frames_register(const tarn_frames_provider* provider) {
    return tarn::register_frames(provider);
}
