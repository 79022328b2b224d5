// SPDX-License-Identifier: MIT
// Names of options that are almost right.
#pragma once
#include <cstddef>

namespace tarn {

// Whether a variable is an option but for a slip: one letter too many, too few, wrong or exchanged with the
// next, in one word or in each of two; two of them in a word of eight letters. False for names that are words
// of their own (TARN_STATE, TARN_STATUS_FILE) and may be another program's. Both are what follows "TARN_".
bool misspelt(const char* name, size_t length, const char* option);

}  // namespace tarn
