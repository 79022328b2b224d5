// SPDX-License-Identifier: MIT
// A record of a service that never was: a time line, events, thousands of stacks; something leaks, something is kept,
// something comes and goes. Its names are those of somebody who means ill, or has something to hide (kSecret).
#pragma once
#include "sample_record.h"

constexpr const char* kSecret = "hush";  // in each path and name that a stranger may not see

// As it was after so many minutes, with so many stacks besides those few. The same each time.
SampleRecord service_record(uint64_t minutes, uint64_t stacks);
