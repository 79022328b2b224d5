// SPDX-License-Identifier: MIT
// A comparison as text for a terminal, as JSON, and as a page.
#pragma once
#include <string>

#include "cli/common/words.h"
#include "cli/compare/figures.h"

namespace tarn::cli {

std::string comparison_text(const Results& results, const Figures& figures, const Terminal& terminal);
std::string comparison_json(const Results& results, const Figures& figures);
std::string comparison_html(const Results& results, const Figures& figures);

// What is compared in words: "python3 program.py", "redis-server --port 7000, under: redis-benchmark -p 7000".
std::string title_of(const Results& results);
std::string printable_word(const std::string& text);  // control characters as ?

}  // namespace tarn::cli
