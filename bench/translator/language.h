// SPDX-License-Identifier: MIT
// The language that both translators read, and what they share: kinds of token, operators, types, the words
// of the C that they write. Nothing here allocates.
//
//   file      = "module" name ";" { "import" name ";" } { item }
//   item      = { doc } [ "export" ] ( function | constant )
//   function  = "fn" name "(" [ name ":" type { "," name ":" type } ] ")" [ ":" type ] block
//   constant  = "const" name ":" type "=" sum ";"                    of literals and earlier constants
//   block     = "{" { statement } "}"
//   statement = ( "let" | "var" ) name [ ":" type ] "=" sum ";" | name "=" sum ";" | call ";"
//             | if | "while" sum block | "for" name "in" sum ".." sum block | "return" [ sum ] ";"
//             | "print" sum { "," sum } ";" | "break" ";" | "continue" ";"
//   if        = "if" sum block [ "else" ( if | block ) ]
//   sum       = operand { operator operand }                         C's precedence
//   operand   = number | text | "true" | "false" | name | call | "(" sum ")" | ( "-" | "!" ) operand
//   call      = name "(" [ sum { "," sum } ] ")"
//   type      = "int" | "text" | "bool"
//
// Comments begin with "//" and end with the line; "///" is a doc, which is carried over into the C.
// A name is looked for in the blocks around it, then in the file, then among what other files export; it may
// be used only if its module is imported. "let" names are not assigned to.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace language {

// Keywords come first, in the order of kKeywords, so that an interner that is given these words first numbers
// them as this does.
enum class Kind : uint8_t {
    kModule,
    kImport,
    kExport,
    kFn,
    kConst,
    kLet,
    kVar,
    kIf,
    kElse,
    kWhile,
    kFor,
    kIn,
    kReturn,
    kPrint,
    kBreak,
    kContinue,
    kTrue,
    kFalse,
    kInt,
    kText,
    kBool,
    kName,
    kNumber,
    kString,
    kDoc,
    kEnd,
    kOpen,
    kClose,
    kOpenBlock,
    kCloseBlock,
    kComma,
    kColon,
    kSemicolon,
    kAssign,
    kRange,
    // Operators, in the order of kOperators.
    kOr,
    kAnd,
    kEqual,
    kNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kPlus,
    kMinus,
    kTimes,
    kDivide,
    kRemainder,
    kNot,
};

inline constexpr std::array<std::string_view, 21> kKeywords = {
    "module", "import", "export", "fn",    "const",    "let",  "var",   "if",  "else", "while", "for",
    "in",     "return", "print",  "break", "continue", "true", "false", "int", "text", "bool"};

struct Operator {
    std::string_view sign;
    uint8_t precedence;  // 0: not between two operands
};

inline constexpr std::array<Operator, 14> kOperators = {{{" || ", 1},
                                                         {" && ", 2},
                                                         {" == ", 3},
                                                         {" != ", 3},
                                                         {" < ", 4},
                                                         {" <= ", 4},
                                                         {" > ", 4},
                                                         {" >= ", 4},
                                                         {" + ", 5},
                                                         {" - ", 5},
                                                         {" * ", 6},
                                                         {" / ", 6},
                                                         {" % ", 6},
                                                         {"!", 0}}};

inline constexpr bool is_operator(Kind kind) {
    return kind >= Kind::kOr;
}
inline constexpr const Operator& operator_of(Kind kind) {
    return kOperators[static_cast<size_t>(kind) - static_cast<size_t>(Kind::kOr)];
}
inline constexpr unsigned precedence(Kind kind) {
    return is_operator(kind) ? operator_of(kind).precedence : 0;
}

enum class Type : uint8_t { kNone, kInt, kText, kBool };

inline constexpr std::array<std::string_view, 4> kTypesInC = {"void", "int64_t", "text", "bool"};
inline constexpr std::array<std::string_view, 4> kTypeNames = {"nothing", "int", "text", "bool"};

inline constexpr std::string_view in_c(Type type) {
    return kTypesInC[static_cast<size_t>(type)];
}
inline constexpr std::string_view name_of(Type type) {
    return kTypeNames[static_cast<size_t>(type)];
}

// The type of `left sign right`; kNone when the operator does not take these.
inline constexpr Type result_of(Kind sign, Type left, Type right) {
    if (left != right || left == Type::kNone) return Type::kNone;
    switch (sign) {
        case Kind::kEqual:
        case Kind::kNotEqual:
            return Type::kBool;
        case Kind::kOr:
        case Kind::kAnd:
            return left == Type::kBool ? Type::kBool : Type::kNone;
        case Kind::kLess:
        case Kind::kLessEqual:
        case Kind::kGreater:
        case Kind::kGreaterEqual:
            return left == Type::kInt ? Type::kBool : Type::kNone;
        case Kind::kPlus:
            return left == Type::kBool ? Type::kNone : left;
        default:
            return left == Type::kInt ? Type::kInt : Type::kNone;
    }
}

enum class Mutability : uint8_t { kLet, kVar };

inline constexpr bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}
inline constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
inline constexpr bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// A character of a text as C writes it; empty when it stands for itself.
inline constexpr std::string_view escape_in_c(char c) {
    switch (c) {
        case '"':
            return "\\\"";
        case '\\':
            return "\\\\";
        case '\n':
            return "\\n";
        case '\t':
            return "\\t";
        default:
            return {};
    }
}

// What an escape stands for; 0 when there is none such.
inline constexpr char escaped(char c) {
    switch (c) {
        case '"':
        case '\\':
            return c;
        case 'n':
            return '\n';
        case 't':
            return '\t';
        default:
            return 0;
    }
}

}  // namespace language
