// SPDX-License-Identifier: MIT
// What a command writes, as it comes: its digest, the figure that is looked for, the line that says it is ready.
#pragma once
#include <regex.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tarn::measure {

// An extended regular expression of POSIX, with \d for a digit.
class Pattern {
  public:
    explicit Pattern(const std::string& expression);  // std::invalid_argument: why it is none
    bool found_in(const std::string& line) const;
    size_t groups() const { return compiled_->re_nsub; }
    std::optional<double> number_in(const std::string& line) const;  // of the first group

  private:
    std::shared_ptr<regex_t> compiled_;
};

class Output {
  public:
    // Either may be null: nothing is looked for.
    Output(const Pattern* metric, const Pattern* ready) : metric_(metric), ready_(ready) {}
    void take(std::string_view piece);
    void end() { end_line(); }  // a last line without an end

    uint64_t digest() const { return digest_; }               // FNV-1a
    std::optional<double> metric() const { return figure_; }  // the last one
    bool ready() const { return is_ready_; }
    const std::string& tail() const { return tail_; }  // the last some hundred bytes

  private:
    void end_line();

    const Pattern* metric_;
    const Pattern* ready_;
    uint64_t digest_ = 0xcbf29ce484222325;
    std::optional<double> figure_;
    bool is_ready_ = false;
    std::string line_, tail_;
};

}  // namespace tarn::measure
