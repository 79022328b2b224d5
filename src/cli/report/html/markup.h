// SPDX-License-Identifier: MIT
// What all of a page is made with. Text of a record gets into it by `escaped` or `json_text` alone.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tarn::cli {

// Safe between tags and in quoted attributes.
std::string escaped(std::string_view text);

// A string for JSON inside of a <script>: nothing in it ends that, or begins a comment.
std::string json_text(std::string_view text);

// "12.34%" of a whole.
std::string percent(double part, double whole);

constexpr size_t kPageBytes = 1 << 20;  // of the whole page, whatever a record has

// Parts one after the other, as long as there is room; each is there or is not.
class Bounded {
  public:
    explicit Bounded(size_t bytes) : left_(bytes) {}
    bool add(const std::string& part) {
        if (part.size() > left_) left_ = 0;
        refused_ += left_ == 0;
        if (left_ == 0) return false;
        left_ -= part.size();
        text_ += part;
        return true;
    }
    const std::string& text() const { return text_; }
    size_t refused() const { return refused_; }

  private:
    size_t left_, refused_ = 0;
    std::string text_;
};

// A table's cell with a number: shown so, sorted by its value. `label` names it where there is no room for columns.
std::string number_cell(const char* label, uint64_t value, const std::string& shown);

// A number with a word, as a tile.
std::string tile(const std::string& kind, const std::string& name, const std::string& value,
                 const std::string& more);

// A section with a heading; nothing where there is no content.
std::string section(const char* id, const std::string& title, const std::string& content);

// A block of JSON for the page's script.
std::string data_block(const char* id, const std::string& json);

// What a page has left when so much of its body is made.
size_t room_left(size_t bytes);

// The whole file.
std::string document(const std::string& title, const std::string& body);

}  // namespace tarn::cli
