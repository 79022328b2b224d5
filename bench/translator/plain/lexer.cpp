// SPDX-License-Identifier: MIT
// Tokens of one file.
#include "faults.h"
#include "plain/passes.h"

namespace plain {
namespace {

Kind kind_of_word(std::string_view word) {
    static const std::unordered_map<std::string_view, Kind> keywords = [] {
        std::unordered_map<std::string_view, Kind> made;
        for (size_t i = 0; i < language::kKeywords.size(); ++i)
            made[language::kKeywords[i]] = static_cast<Kind>(i);
        return made;
    }();
    const auto found = keywords.find(word);
    return found == keywords.end() ? Kind::kName : found->second;
}

class Lexer {
  public:
    explicit Lexer(std::string_view source) : source_(source) {}

    std::vector<Token> run() {
        tokens_.reserve(source_.size() / 5);
        while (skip_space())
            token();
        add(Kind::kEnd, position_);
        return std::move(tokens_);
    }

  private:
    char at(size_t position) const { return position < source_.size() ? source_[position] : '\0'; }

    static uint32_t offset(size_t position) { return static_cast<uint32_t>(position); }
    void add(Kind kind, size_t position, std::string_view text = {}) {
        tokens_.push_back({kind, offset(position), std::string(text)});
    }

    bool skip_space() {
        while (position_ < source_.size() && language::is_space(source_[position_]))
            ++position_;
        return position_ < source_.size();
    }

    void token() {
        const char c = source_[position_];
        if (language::is_letter(c)) return word();
        if (language::is_digit(c)) return number();
        if (c == '"') return text();
        if (c == '/' && at(position_ + 1) == '/') return comment();
        sign(c);
    }

    template <class Belongs>
    std::string_view run_of(Belongs belongs) {
        const size_t start = position_;
        while (position_ < source_.size() && belongs(source_[position_]))
            ++position_;
        return source_.substr(start, position_ - start);
    }

    void word() {
        const std::string_view found =
            run_of([](char c) { return language::is_letter(c) || language::is_digit(c); });
        const Kind kind = kind_of_word(found);
        add(kind, position_ - found.size(), kind == Kind::kName ? found : std::string_view());
    }

    void number() {
        const std::string_view found = run_of(language::is_digit);
        add(Kind::kNumber, position_ - found.size(), found);
    }

    void comment() {
        const std::string_view found = source_.substr(position_, source_.find('\n', position_) - position_);
        position_ += found.size();
        if (found.size() > 2 && found[2] == '/') add(Kind::kDoc, position_ - found.size(), found.substr(3));
    }

    void text() {
        std::string value;
        const size_t begin = position_;
        for (;;) {
            const size_t start = ++position_;
            position_ = source_.find_first_of("\"\\\n", position_);
            if (position_ == source_.npos || source_[position_] == '\n')
                translator::fail(offset(begin), translator::kNotEnded);
            value.append(source_, start, position_ - start);
            if (source_[position_] == '"') break;
            const char meant = language::escaped(at(++position_));
            if (!meant) translator::fail(offset(begin), translator::kNoSuchEscape);
            value.push_back(meant);
        }
        ++position_;
        tokens_.push_back({Kind::kString, offset(begin), std::move(value)});
    }

    void sign(char c) {
        const char next = at(position_ + 1);
        switch (c) {
            case '(':
                return single(Kind::kOpen);
            case ')':
                return single(Kind::kClose);
            case '{':
                return single(Kind::kOpenBlock);
            case '}':
                return single(Kind::kCloseBlock);
            case ',':
                return single(Kind::kComma);
            case ':':
                return single(Kind::kColon);
            case ';':
                return single(Kind::kSemicolon);
            case '+':
                return single(Kind::kPlus);
            case '-':
                return single(Kind::kMinus);
            case '*':
                return single(Kind::kTimes);
            case '/':
                return single(Kind::kDivide);
            case '%':
                return single(Kind::kRemainder);
            case '=':
                return next == '=' ? twofold(Kind::kEqual) : single(Kind::kAssign);
            case '!':
                return next == '=' ? twofold(Kind::kNotEqual) : single(Kind::kNot);
            case '<':
                return next == '=' ? twofold(Kind::kLessEqual) : single(Kind::kLess);
            case '>':
                return next == '=' ? twofold(Kind::kGreaterEqual) : single(Kind::kGreater);
            default:
                break;
        }
        if (c == '&' && next == '&') return twofold(Kind::kAnd);
        if (c == '|' && next == '|') return twofold(Kind::kOr);
        if (c == '.' && next == '.') return twofold(Kind::kRange);
        translator::fail(offset(position_), translator::kNotUnderstood, source_.substr(position_, 1));
    }
    void single(Kind kind) { sign_of(kind, 1); }
    void twofold(Kind kind) { sign_of(kind, 2); }
    void sign_of(Kind kind, size_t length) {
        add(kind, position_);
        position_ += length;
    }

    std::string_view source_;
    size_t position_ = 0;
    std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenise(std::string_view source) {
    return Lexer(source).run();
}

}  // namespace plain
