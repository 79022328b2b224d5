// SPDX-License-Identifier: MIT
// A tokenizer with keywords: a word is interned as soon as it is read, and the symbol itself says whether it
// is a keyword and which one, so that the parser switches on a number.
#include <cctype>
#include <cstdio>
#include <string_view>
#include <tarn/interner.hpp>
#include <unordered_map>

namespace {

class Tokenizer {
  public:
    Tokenizer(tarn::Interner& names, std::string_view text) : names_(names), rest_(text) {}

    // None at the end.
    tarn::Symbol next() {
        while (!rest_.empty() && !is_word(rest_.front()))
            rest_.remove_prefix(1);
        size_t length = 0;
        while (length < rest_.size() && is_word(rest_[length]))
            ++length;
        if (length == 0) return {};
        const tarn::Symbol word = names_.intern(rest_.substr(0, length));
        rest_.remove_prefix(length);
        return word;
    }

  private:
    static bool is_word(char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)); }
    tarn::Interner& names_;
    std::string_view rest_;
};

constexpr std::string_view kTemplate = R"(
    set title = report
    for row in rows
        if row == title
            print title
        elif row
            print row
        endif
    endfor
)";

}  // namespace

int main() {
    tarn::Interner names({.keywords = tarn::KeywordSet::template_language()});
    const auto [title, row] = names.literals("title", "row");
    std::unordered_map<tarn::Symbol, int> uses;
    int depth = 0, deepest = 0;

    Tokenizer tokens(names, kTemplate);
    while (const tarn::Symbol token = tokens.next()) {
        switch (token.keyword()) {
            case TARN_TEMPLATE_IF:
            case TARN_TEMPLATE_FOR:
                deepest = ++depth > deepest ? depth : deepest;
                break;
            case TARN_TEMPLATE_ENDIF:
            case TARN_TEMPLATE_ENDFOR:
                --depth;
                break;
            case -1:  // a name
                ++uses[token];
                break;
            default:
                break;
        }
    }
    std::printf("blocks: %d deep, %s\n", deepest, depth == 0 ? "all closed" : "some left open");
    std::printf("%s: %d uses, %s: %d uses\n", title.c_str(), uses[title], row.c_str(), uses[row]);
    std::printf("keyword %d is %s\n", TARN_TEMPLATE_ENDFOR, names.keyword(TARN_TEMPLATE_ENDFOR).c_str());
    std::printf("\"report\" is %s, \"footer\" is %s\n", names.find("report") ? "known" : "unknown",
                names.find("footer") ? "known" : "unknown");
}
