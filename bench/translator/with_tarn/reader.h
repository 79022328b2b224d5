// SPDX-License-Identifier: MIT
// What the parser asks of the token at hand, whatever it is parsing.
#pragma once
#include <string_view>

#include "faults.h"
#include "tarn/scan.h"
#include "with_tarn/passes.h"

namespace with_tarn {

class Reader {
  protected:
    Reader(std::string_view source, tarn_interner* names, Worker& worker)
        : source_(source), next_(source, names, worker.recent, worker.marks), arena_(worker.arena) {}

    // What a fault calls a token.
    std::string_view shown() const {
        switch (next_.kind()) {
            case Kind::kName:
                return text_of(next_.name());
            case Kind::kNumber:
                return {source_.data() + next_.offset(), next_.value()};
            case Kind::kDoc:
                return shown(doc());
            case Kind::kString:
                return shown(text());
            case Kind::kEnd:
                return "end of file";
            default:
                break;
        }
        if (next_.kind() < Kind::kName) return language::kKeywords[static_cast<size_t>(next_.kind())];
        return "sign";
    }
    static std::string_view shown(std::string_view text) { return text.empty() ? "sign" : text; }
    [[noreturn, gnu::cold]] void fail() const {
        translator::fail(next_.offset(), translator::kNotUnderstood, shown());
    }
    bool accept(Kind kind) {
        if (next_.kind() != kind) return false;
        next_.advance();
        return true;
    }
    void expect(Kind kind) {
        if (!accept(kind)) fail();
    }
    const Interned* name() {
        if (next_.kind() != Kind::kName) fail();
        const Interned* const found = next_.name();
        next_.advance();
        return found;
    }
    Type type() {
        const Kind kind = next_.kind();
        if (kind != Kind::kInt && kind != Kind::kText && kind != Kind::kBool) fail();
        next_.advance();
        return kind == Kind::kInt ? Type::kInt : kind == Kind::kText ? Type::kText : Type::kBool;
    }

    std::string_view doc() const { return source_.substr(next_.offset() + 3, next_.value() - 3); }

    // What the text at hand says: a part of the source, or a copy without escapes in the arena.
    std::string_view text() const {
        const char* const begin = source_.data() + next_.offset() + 1;
        const size_t length = next_.value() & Lexer::kLength;
        return next_.value() & Lexer::kHasEscapes ? unescaped(begin, length)
                                                  : std::string_view(begin, length);
    }
    std::string_view unescaped(const char* from, size_t length) const {
        char* const made = static_cast<char*>(arena_.allocate(length, 1));
        char* to = made;
        for (const char* const end = from + length; from != end;) {
            size_t plain = tarn_find_byte_padded(from, static_cast<size_t>(end - from), '\\');
            memcpy(to, from, plain);
            to += plain;
            from += plain;
            if (from == end) break;
            *to++ = language::escaped(from[1]);
            from += 2;
        }
        return {made, static_cast<size_t>(to - made)};
    }

    std::string_view source_;
    Lexer next_;
    tarn::ArenaRef arena_;
};

}  // namespace with_tarn
