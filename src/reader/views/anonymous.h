// SPDX-License-Identifier: MIT
// Anonymous: a record without what tells whose it is: for a report that is sent to strangers.
#pragma once
#include <map>
#include <string>

#include "reader/profile.h"

namespace tarn::reader {

// Takes out of both the program's name, command line, directory, paths, names and build ids of files, options that are
// not numbers or well-known words, and all text that the program gave at run time (names of phases, scopes and
// snapshots): equal ones get the same number. Functions keep their names, without those of files within. `missing`
// (missing_names of both) is told with the new names.
void make_anonymous(Record* record, Profile* profile, std::map<std::string, std::string>* missing);

}  // namespace tarn::reader
