// SPDX-License-Identifier: MIT
// The record as libtarn sees it.
#pragma once
#include "seam/host.h"

namespace tarn::record {

// The table, with a record begun; also without one, since a forked child might have one. NULL: of another version.
const Recorder* begin_recorder(const Host& host);

}  // namespace tarn::record
