// SPDX-License-Identifier: MIT
// What `tarn doctor` has found out.
#pragma once
#include <string>
#include <vector>

#include "cli/program/judgement.h"

namespace tarn::cli {

struct Limit {
    std::string name;     // "memory.max"
    std::string value;    // as a person reads it
    std::string meaning;  // for tarn
};

struct Diagnosis {
    std::string subject;           // "python3, process 4711"
    std::string library, version;  // which libtarn.so; "": none, or not known
    std::vector<Reason> reasons;   // why it is not active: none, it is
    std::vector<std::string> notes, hints, variables;
    std::vector<Limit> limits;

    bool active() const { return reasons.empty(); }
};

std::string diagnosis_text(const Diagnosis& diagnosis);
std::string diagnosis_json(const Diagnosis& diagnosis);

}  // namespace tarn::cli
