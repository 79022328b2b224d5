// SPDX-License-Identifier: MIT
// What a report comes to, in sentences.
#pragma once
#include <string>

#include "cli/report/shown.h"
#include "reader/views/growth.h"

namespace tarn::cli {

// The first thing to know of a process's memory: one sentence.
std::string verdict(const Shown& shown, const reader::Growths& growths);
std::string verdict(const Compared& compared);

// Why a holder counts as one that grows.
std::string why_it_grows(const reader::Growth& growth);

// Why nothing can be said of growth; "" where it can.
std::string growth_unknown(const Shown& shown, const reader::Growths& growths);

std::string rate_word(double bytes_per_second);          // "1.4 MiB a second", "12.0 KiB an hour"
std::string place_word(const reader::Place& place);      // "Cache::page (cache.cpp:25)"
std::string signed_bytes(const reader::Change& change);  // of live bytes: "+1.5 MiB"

}  // namespace tarn::cli
