// SPDX-License-Identifier: MIT
// Tokens, one after the other.
#include "with_tarn/lexer.h"
#include "faults.h"
#include "tarn/scan.h"

namespace with_tarn {

enum class Class : uint8_t { kOther, kLetter, kDigit, kQuote, kSign, kSlash };

struct alignas(8) TokenStart {
    Class is = Class::kOther;
    char second = 0;  // of a sign: with this behind it, it is another one
    uint8_t length2 = 1;
    Kind kind = Kind::kEnd, kind2 = Kind::kEnd;  // kEnd: no sign
};

namespace {

// What a token that begins with this byte is.
constexpr std::array<TokenStart, 256> kStarts = [] {
    std::array<TokenStart, 256> made{};
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
const tarn_byte_set kBlanks = set_of(" \n\t\r");
// What ends a run of ordinary characters in a text.
const tarn_byte_set kTextEnds = set_of("\"\\\n\t");

}  // namespace

Lexer::Lexer(std::string_view source, tarn_interner* names, RecentWords& recent, Marks& marks)
    : source_(source), names_(names), recent_(recent), marks_(marks) {
    marks.set(source, kInWord, kBlanks);
    next_ = marks.next(0);
    advance();
}

void Lexer::advance() {
    for (;;) {
        const char* const at = source_.data() + next_;
        const TokenStart& start = kStarts[static_cast<unsigned char>(*at)];
        if (start.is == Class::kLetter) return word(at);
        if (start.is == Class::kSign) return sign(at, start);
        if (start.is == Class::kDigit) return number(at);
        if (start.is == Class::kQuote) return text(at);
        if (start.is != Class::kSlash) return end();
        if (at[1] != '/') return take(Kind::kDivide, 1);
        const size_t length = tarn_find_byte_padded(at, left(), '\n');
        if (length > 2 && at[2] == '/') return take(Kind::kDoc, length, length);
        next_ = marks_.next(next_ + length);
    }
}

void Lexer::fail_here() const {
    translator::fail(static_cast<uint32_t>(next_), translator::kNotUnderstood, source_.substr(next_, 1));
}

inline void Lexer::take(Kind kind, size_t length, uint64_t value) {
    kind_ = kind;
    offset_ = static_cast<uint32_t>(next_);
    value_ = value;
    next_ = marks_.next(next_ + length);
}

[[gnu::always_inline]] inline void Lexer::word(const char* at) {
    size_t length = marks_.run(next_);
    if (length >= Marks::kRunMost) [[unlikely]]
        length += tarn_find_not_padded(at + length, left() - length, &kInWord);
    const RecentWords::Found found = recent_.intern(names_, at, length);
    name_length_ = static_cast<uint32_t>(length);
    // Behind its first letter the next token is found without waiting for the length.
    take(found.kind, 1, reinterpret_cast<uint64_t>(found.name));
}

inline void Lexer::sign(const char* at, const TokenStart& start) {
    const bool two = at[1] == start.second;
    const Kind kind = two ? start.kind2 : start.kind;
    if (kind == Kind::kEnd) fail_here();
    take(kind, two ? start.length2 : 1);
}

inline void Lexer::number(const char* at) {
    const char* end = at + 1;
    while (language::is_digit(*end))
        ++end;
    const size_t length = static_cast<size_t>(end - at);
    take(Kind::kNumber, length, length);
    if (language::is_letter(*end)) next_ = offset_ + length;
}

// Its value is the length between the quotes.
[[gnu::noinline]] void Lexer::text(const char* from) {
    uint64_t escapes = 0;
    const char *at = from + 1, *const end = from + left();
    for (;;) {
        at += tarn_find_any_padded(at, static_cast<size_t>(end - at), &kTextEnds);
        if (at == end || *at == '\n') translator::fail(static_cast<uint32_t>(next_), translator::kNotEnded);
        if (*at == '"') break;
        escapes |= kNotVerbatim;
        if (*at == '\t') {
            ++at;
            continue;
        }
        if (!language::escaped(at[1]))
            translator::fail(static_cast<uint32_t>(next_), translator::kNoSuchEscape);
        escapes |= kHasEscapes;
        at += 2;
    }
    const size_t length = static_cast<size_t>(at - from) - 1;
    take(Kind::kString, length + 2, length | escapes);
}

inline void Lexer::end() {
    if (next_ != source_.size()) fail_here();
    kind_ = Kind::kEnd;
    offset_ = static_cast<uint32_t>(next_);
}

}  // namespace with_tarn
