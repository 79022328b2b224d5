// SPDX-License-Identifier: MIT
// Strings that come from outside (program name, values of options) made safe for a report: whatever the
// bytes, the output is valid UTF-8 and cannot end the string or the line it stands in.
#pragma once
#include "base/text.h"

namespace tarn {

enum class Escape : uint8_t {
    kJson,   // inside "..." of JSON
    kLabel,  // inside "..." of an OpenMetrics label
    kPlain,  // for a terminal: what is not printable becomes '?'
};

Text& add_escaped(Text& text, const char* string, Escape escape);

}  // namespace tarn
