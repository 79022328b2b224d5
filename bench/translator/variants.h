// SPDX-License-Identifier: MIT
// The translators that a program has: one where nothing of tarn's may be linked, two otherwise.
#pragma once
#include <vector>

#include "project.h"

namespace translator {

using Translate = Faults (*)(const std::vector<Source>& sources, unsigned threads, Sink& sink);

struct Variant {
    const char* option;
    Translate translate;
};

std::vector<Variant> variants();

}  // namespace translator
