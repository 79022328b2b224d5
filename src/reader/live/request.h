// SPDX-License-Identifier: MIT
// What a tool asks of a process, by its record: docs/record.md, "Requests".
#pragma once
#include <cstdint>
#include <string>

namespace tarn::reader {

// Sets the bits (TARN_RECORD_REQUEST_*). The process obeys at its next cold end. Throws Unreadable when it cannot be
// asked: the file is no record, or may not be written to.
void ask(const std::string& path, uint32_t bits);

}  // namespace tarn::reader
