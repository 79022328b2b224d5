// SPDX-License-Identifier: MIT
// Where the record of a command goes.
#pragma once
#include <sys/types.h>

#include <string>

namespace tarn::cli {

struct Place {
    std::string pattern;  // TARN_RECORD; "": there is none, and `fault` says why
    std::string fault;
    bool usual = false;  // the default place, where a process is found by its number
};

// `asked`: a file, which may be there if it is a record; "": the default place (docs/record.md), of which old records of
// processes that are gone are removed, so that there are 64.
Place choose_place(const std::string& asked);

// The record that this process has written by the pattern, or beside it when somebody else had that file. "": none.
std::string find_record(const Place& place, pid_t process, const std::string& program);

}  // namespace tarn::cli
