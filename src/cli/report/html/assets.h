// SPDX-License-Identifier: MIT
// page.css and page.js, which embed.py writes into the program.
#pragma once

namespace tarn::cli {

extern const char kStyle[];
extern const char kStyleHash[];  // of the above, as Content-Security-Policy names it
extern const char kScript[];
extern const char kScriptHash[];

}  // namespace tarn::cli
