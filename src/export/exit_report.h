// SPDX-License-Identifier: MIT
// The report at exit: where it goes, and that it goes there once.
//
// Programs close standard error before they end, or reopen it as something else; the report goes to what it
// was at start, or nowhere. A descriptor out of the program's way remembers it.
#pragma once

namespace tarn {

// Remembers where standard error is. In the library's constructor, where a report is wanted.
void prepare_report();
// Once per process.
void report_at_exit();

}  // namespace tarn
