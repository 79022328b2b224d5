// SPDX-License-Identifier: MIT
// Names in the record, each once: of scopes, and of scripts' functions with their files. Found by their text, so that it
// does not matter whose they were, and whether that is still there.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn::profile {

inline constexpr uint32_t kNoName = UINT32_MAX;
// Its place in NAMES; kNoName: there is no room for it, or this thread was interrupted in here.
uint32_t place_of_name(const char* text, size_t length);

// The record's names are empty.
void open_names();
void forget_names();

}  // namespace tarn::profile
