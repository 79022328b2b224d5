// SPDX-License-Identifier: MIT
// The token at hand of one file. The parser asks for the next one; none is kept.
#pragma once
#include <cstdint>
#include <string_view>

#include "with_tarn/marks.h"
#include "with_tarn/recent_words.h"
#include "with_tarn/tree.h"

namespace with_tarn {

struct TokenStart;

class Lexer {
  public:
    static constexpr uint64_t kHasEscapes = uint64_t{1} << 63, kNotVerbatim = uint64_t{1} << 62;
    static constexpr uint64_t kLength = kNotVerbatim - 1;

    // Stands at the first token. The source is followed by translator::kPadding zero bytes.
    Lexer(std::string_view source, tarn_interner* names, RecentWords& recent, Marks& marks);

    Kind kind() const { return kind_; }
    uint32_t offset() const { return offset_; }  // in the source
    // Of a number or doc its length; of a text that between the quotes, whether it has escapes, and whether C
    // writes it otherwise than the source.
    uint64_t value() const { return value_; }
    const Interned* name() const { return reinterpret_cast<const Interned*>(value_); }
    uint32_t name_length() const { return name_length_; }
    void advance();  // not beyond kEnd

  private:
    size_t left() const { return source_.size() - next_; }
    [[noreturn, gnu::cold]] void fail_here() const;
    void take(Kind kind, size_t length, uint64_t value = 0);
    void word(const char* at);
    void sign(const char* at, const TokenStart& start);
    void number(const char* at);
    void text(const char* from);
    void end();

    std::string_view source_;
    size_t next_;  // where the next token, or a comment, begins
    tarn_interner* names_;
    RecentWords& recent_;
    const Marks& marks_;
    uint64_t value_ = 0;
    uint32_t offset_ = 0;
    uint32_t name_length_ = 0;
    Kind kind_ = Kind::kEnd;
};

}  // namespace with_tarn
