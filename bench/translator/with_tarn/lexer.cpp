// SPDX-License-Identifier: MIT
// Tokens of one file.
#include "faults.h"
#include "tarn/scan.h"
#include "with_tarn/bytes16.h"
#include "with_tarn/passes.h"

namespace with_tarn {
namespace {

enum class Class : uint8_t { kOther, kLetter, kDigit, kQuote, kSign, kSlash };

struct alignas(8) Start {
    Class is = Class::kOther;
    char second = 0;  // of a sign: with this behind it, it is another one
    uint8_t length2 = 1;
    Kind kind = Kind::kEnd, kind2 = Kind::kEnd;  // kEnd: no sign
};

// What a token that begins with this byte is.
constexpr std::array<Start, 256> kStarts = [] {
    std::array<Start, 256> made{};
    for (unsigned c = 0; c < 256; ++c) {
        if (language::is_letter(static_cast<char>(c))) made[c].is = Class::kLetter;
        if (language::is_digit(static_cast<char>(c))) made[c].is = Class::kDigit;
    }
    made['"'].is = Class::kQuote;
    made['/'].is = Class::kSlash;
    constexpr struct {
        char sign;
        Kind kind;
    } kSingles[] = {{'(', Kind::kOpen},       {')', Kind::kClose},    {'{', Kind::kOpenBlock},
                    {'}', Kind::kCloseBlock}, {',', Kind::kComma},    {':', Kind::kColon},
                    {';', Kind::kSemicolon},  {'+', Kind::kPlus},     {'-', Kind::kMinus},
                    {'*', Kind::kTimes},      {'%', Kind::kRemainder}};
    for (const auto& single : kSingles)
        made[static_cast<unsigned char>(single.sign)] = {Class::kSign, 0, 1, single.kind, single.kind};
    made['='] = {Class::kSign, '=', 2, Kind::kAssign, Kind::kEqual};
    made['!'] = {Class::kSign, '=', 2, Kind::kNot, Kind::kNotEqual};
    made['<'] = {Class::kSign, '=', 2, Kind::kLess, Kind::kLessEqual};
    made['>'] = {Class::kSign, '=', 2, Kind::kGreater, Kind::kGreaterEqual};
    made['&'] = {Class::kSign, '&', 2, Kind::kEnd, Kind::kAnd};
    made['|'] = {Class::kSign, '|', 2, Kind::kEnd, Kind::kOr};
    made['.'] = {Class::kSign, '.', 2, Kind::kEnd, Kind::kRange};
    return made;
}();

template <size_t kSize>
tarn_byte_set set_of(const char (&bytes)[kSize]) {
    tarn_byte_set made;
    tarn_byte_set_make(&made, bytes, kSize - 1);
    return made;
}

const tarn_byte_set kInWord = set_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
// What ends a run of ordinary characters in a text.
const tarn_byte_set kTextEnds = set_of("\"\\\n");

constexpr size_t kTokensFirst = 1024;

class Lexer {
  public:
    Lexer(std::string_view source, tarn_interner* names, RecentWords& recent, Tokens& tokens)
        : begin_(source.data()),
          next_(begin_),
          end_(begin_ + source.size()),
          names_(names),
          recent_(recent),
          tokens_(tokens) {
        if (tokens.empty()) tokens.resize(kTokensFirst);
        take_columns();
    }

    void run() {
        for (;;) {
            skip_blanks();
            const Start& start = kStarts[static_cast<unsigned char>(*next_)];
            if (start.is == Class::kLetter) {
                word();
            } else if (start.is == Class::kSign) {
                sign(start);
            } else if (start.is == Class::kDigit) {
                number();
            } else if (start.is == Class::kQuote) {
                text();
            } else if (start.is == Class::kSlash) {
                if (next_[1] == '/')
                    comment();
                else
                    add(Kind::kDivide, 1);
            } else {
                if (next_ != end_) fail_here();
                return add(Kind::kEnd, 0, 0);
            }
        }
    }

  private:
    uint32_t offset() const { return static_cast<uint32_t>(next_ - begin_); }
    size_t left() const { return static_cast<size_t>(end_ - next_); }
    [[noreturn, gnu::cold]] void fail_here() const {
        translator::fail(offset(), translator::kNotUnderstood, {next_, 1});
    }

    // There is always room for one more token.
    void take_columns() {
        kinds_ = tokens_.column<KindColumn>().data();
        offsets_ = tokens_.column<OffsetColumn>().data();
        values_ = tokens_.column<ValueColumn>().data();
    }
    [[gnu::noinline]] void grow() {
        tokens_.resize(2 * tokens_.size());
        take_columns();
    }

    void add(Kind kind, size_t length, uint64_t value) {
        values_[count_] = value;
        add(kind, length);
    }
    void add(Kind kind, size_t length) {
        if (count_ + 1 == tokens_.size()) [[unlikely]]
            grow();
        kinds_[count_] = kind;
        offsets_[count_++] = offset();
        next_ += length;
    }

    void skip_blanks() {
        // Most often none or one, or the end of a line and what the next is indented by.
        if (static_cast<unsigned char>(*next_) > ' ') return;
        if (*next_ == ' ' && static_cast<unsigned char>(next_[1]) > ' ') {
            ++next_;
            return;
        }
        for (unsigned run = 16; run == 16; next_ += run)
            run = run_of(is_blank(load16(next_)));
    }

    void word() {
        size_t length = run_of(is_in_word(load16(next_)));
        if (length == 16) length += tarn_find_not_padded(next_ + 16, left() - 16, &kInWord);
        const RecentWords::Found found = recent_.intern(names_, next_, length);
        add(found.kind, length, reinterpret_cast<uint64_t>(found.name));
    }

    void sign(const Start& start) {
        const bool two = next_[1] == start.second;
        const Kind kind = two ? start.kind2 : start.kind;
        if (kind == Kind::kEnd) fail_here();
        add(kind, two ? start.length2 : 1);
    }

    void number() {
        const char* end = next_ + 1;
        while (language::is_digit(*end))
            ++end;
        const size_t length = static_cast<size_t>(end - next_);
        add(Kind::kNumber, length, length);
    }

    void comment() {
        const size_t length = tarn_find_byte_padded(next_, left(), '\n');
        if (length > 2 && next_[2] == '/')
            add(Kind::kDoc, length, length);
        else
            next_ += length;
    }

    // Its value is the length between the quotes.
    void text() {
        uint64_t escapes = 0;
        const char* at = next_ + 1;
        for (;;) {
            at += tarn_find_any_padded(at, static_cast<size_t>(end_ - at), &kTextEnds);
            if (at == end_ || *at == '\n') translator::fail(offset(), translator::kNotEnded);
            if (*at == '"') break;
            if (!language::escaped(at[1])) translator::fail(offset(), translator::kNoSuchEscape);
            escapes = kHasEscapes;
            at += 2;
        }
        const size_t length = static_cast<size_t>(at - next_) - 1;
        add(Kind::kString, length + 2, length | escapes);
    }

    const char* begin_;
    const char* next_;
    const char* end_;
    tarn_interner* names_;
    RecentWords& recent_;
    Tokens& tokens_;
    Kind* kinds_;
    uint32_t* offsets_;
    uint64_t* values_;
    size_t count_ = 0;
};

}  // namespace

void tokenise(std::string_view source, tarn_interner* names, RecentWords& recent, Tokens& tokens) {
    Lexer(source, names, recent, tokens).run();
}

}  // namespace with_tarn
