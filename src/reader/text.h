// SPDX-License-Identifier: MIT
// Text that came from somebody else.
#pragma once
#include <string>
#include <string_view>

namespace tarn::reader {

// Up to the first 0 byte.
std::string_view until_zero(const char* text, size_t room);

// Valid UTF-8 without control characters: safe for a terminal, for JSON and for protocol buffers. Each byte that is
// neither becomes '?'.
std::string printable(std::string_view text);

// Bytes in hexadecimal.
std::string hexadecimal(std::string_view bytes);

}  // namespace tarn::reader
