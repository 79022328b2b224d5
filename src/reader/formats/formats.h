// SPDX-License-Identifier: MIT
// A profile in formats that other programs read.
#pragma once
#include <string>

#include "reader/profile.h"

namespace tarn::reader {

// Gzipped profile.proto: to be read by pprof and by what else reads its format. Throws std::runtime_error when there
// is no memory to compress it.
std::string pprof(const Record& record, const Profile& profile);

// Collapsed stacks: a line for each stack, outermost function first, "main;run;load 4096". Those of which nothing is
// left out are left out.
std::string folded(const Record& record, const Profile& profile, Measure measure, Unit unit);

// The same of two records, with a number of each: "main;run;load 4096 8192", as difffolded.pl writes it.
std::string folded_difference(const Side& before, const Side& after, Measure measure, Unit unit);

}  // namespace tarn::reader
