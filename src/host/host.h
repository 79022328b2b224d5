// SPDX-License-Identifier: MIT
// Where libtarn meets the module that records.
#pragma once
#include "base/at_start.h"

namespace tarn {

struct Host;
struct Recorder;

// In the library's constructor, last: begins a record where TARN_RECORD or TARN_PROFILE asks for one.
TARN_AT_START void start_recorder();

// The module's answer. load_dynamic.cpp: by dlopen, NULL after one line of warning; load_static.cpp: linked in.
const Recorder* load_recorder(const Host& host);
// What tells the profile of the script's frames, where the program is an interpreter (tarn/frames.h). After the recorder.
void load_frames();

}  // namespace tarn
