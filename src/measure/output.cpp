// SPDX-License-Identifier: MIT
#include "measure/output.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace tarn::measure {
namespace {

constexpr size_t kTail = 1000, kLongestLine = 1 << 16;

// POSIX has no \d; between brackets its backslash is one.
std::string with_digits(const std::string& expression) {
    std::string made;
    size_t bracket = std::string::npos;  // where the one begins that is open
    for (size_t i = 0; i < expression.size(); ++i) {
        bool is_open = bracket != std::string::npos;
        if (expression.compare(i, 2, "\\d") == 0) {
            made += is_open ? "0-9" : "[0-9]";
            ++i;
            continue;
        }
        if (!is_open && expression[i] == '\\' && i + 1 < expression.size())
            made += expression[i++];
        else if (!is_open && expression[i] == '[')
            bracket = expression.compare(i + 1, 1, "^") == 0 ? i + 1 : i;
        else if (is_open && expression[i] == ']' && i > bracket + 1)
            bracket = std::string::npos;
        made += expression[i];
    }
    return made;
}

}  // namespace

Pattern::Pattern(const std::string& expression) {
    auto compiled = std::make_unique<regex_t>();
    if (int error = regcomp(compiled.get(), with_digits(expression).c_str(), REG_EXTENDED)) {
        char words[200];
        regerror(error, compiled.get(), words, sizeof words);
        throw std::invalid_argument("'" + expression + "' is no regular expression: " + words);
    }
    compiled_ = std::shared_ptr<regex_t>(compiled.release(), [](regex_t* one) {
        regfree(one);
        delete one;
    });
}

bool Pattern::found_in(const std::string& line) const {
    return regexec(compiled_.get(), line.c_str(), 0, nullptr, 0) == 0;
}

std::optional<double> Pattern::number_in(const std::string& line) const {
    regmatch_t places[2];
    if (regexec(compiled_.get(), line.c_str(), 2, places, 0) != 0 || places[1].rm_so < 0) return {};
    std::string digits = line.substr(static_cast<size_t>(places[1].rm_so),
                                     static_cast<size_t>(places[1].rm_eo - places[1].rm_so));
    digits.erase(std::remove(digits.begin(), digits.end(), ','), digits.end());  // of thousands
    char* end = nullptr;
    double number = std::strtod(digits.c_str(), &end);
    return end == digits.c_str() ? std::nullopt : std::optional<double>(number);
}

void Output::take(std::string_view piece) {
    for (char byte : piece)
        digest_ = (digest_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    tail_.append(piece.substr(piece.size() - std::min(piece.size(), kTail)));
    if (tail_.size() > kTail) tail_.erase(0, tail_.size() - kTail);
    if (!metric_ && !ready_) return;
    for (char byte : piece) {
        if (byte == '\n' || byte == '\r')
            end_line();
        else if (line_.size() < kLongestLine)
            line_ += byte;
    }
}

void Output::end_line() {
    if (line_.empty()) return;
    if (std::optional<double> number = metric_ ? metric_->number_in(line_) : std::nullopt) figure_ = number;
    if (ready_ && ready_->found_in(line_)) is_ready_ = true;
    line_.clear();
}

}  // namespace tarn::measure
