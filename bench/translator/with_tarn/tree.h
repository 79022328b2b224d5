// SPDX-License-Identifier: MIT
// The translator on tarn's interface: the same passes, checks and faults as the plain one. What differs is
// where things are, and what they are compared by:
//   - trees lie in an arena per thread, from a pool; no destructors, they go with the arena;
//   - names are interned: a tree holds and compares addresses, and keywords have numbers;
//   - the source is read by the byte scanner; texts stay where they are in it, but for those with escapes,
//     and so do numbers;
//   - tokens are not kept, the parser asks for one after the other; C is written to one buffer per thread;
//   - symbol tables are keyed by the address of the name: one per thread for the blocks and the file, with a
//     list of what to take back at the end of a block, and one for the project.
// Batches, pools of nodes and copy-on-write strings are not used: nothing is kept in rows, nodes are never
// freed one by one, and a view does for a text that is never written to.
#pragma once
#include <cstdint>
#include <string_view>

#include "language.h"
#include "tarn/interner.h"

namespace with_tarn {

using language::Kind;
using language::Type;
using Interned = tarn_interned;

inline std::string_view text_of(const Interned* name) {
    return {tarn_interned_text(name), tarn_interned_length(name)};
}

struct File;

// What a name may stand for.
struct Definition {
    enum class Is : uint8_t { kVariable, kConstant, kFunction };

    Is is;
    Type type;  // of a function: its result's
    language::Mutability mutability;
    bool exported;
    uint32_t at;      // offset in the source
    uint32_t length;  // of the name in C; until that is known, of the name
    const Interned* name;
    const char* in_c;  // of a variable with a number that is unique in its function, of a global with the
                       // module's name; until then where it is in the source
};

using Variable = Definition;

struct Expression {
    enum class Is : uint8_t { kWritten, kText, kName, kUnary, kBinary, kCall };

    Is is;
    Type type;
    Kind sign;  // of an operator
    union {
        uint32_t at;
        uint32_t length;  // of what is written
    };
};

// What C writes as one word: numbers and bools; names, once they are found. Readable up to a multiple of 16.
struct Written : Expression {
    const char* text;
};

struct Text : Expression {
    uint32_t size;
    bool verbatim;  // as C writes it, between its quotes; and 16 bytes more can be read behind it
    const char* text;
};

struct Name : Expression {
    const Interned* name;
};

struct Unary : Expression {
    Expression* operand;
};

struct Binary : Expression {
    Expression* left;
    Expression* right;
};

// The definition takes the name's place when it is found.
struct Call : Expression {
    union {
        const Interned* name;
        const Definition* definition;
    };
    uint32_t count;
    Expression** arguments;
};

struct Statement {
    enum class Is : uint8_t {
        kDeclaration,
        kAssignment,
        kCall,
        kIf,
        kWhile,
        kFor,
        kReturn,
        kPrint,
        kBreak,
        kContinue
    };

    Is is;
    uint32_t at;
    Statement* next;  // in its block
};

struct Declaration : Statement {
    Variable variable;
    Expression* value;
};

struct Assignment : Statement {
    union {
        const Interned* name;
        const Variable* variable;
    };
    Expression* value;
};

struct CallStatement : Statement {
    Call* call;
};

struct If : Statement {
    Expression* condition;
    Statement* then;
    Statement* otherwise;  // a single If for "else if"
};

struct While : Statement {
    Expression* condition;
    Statement* body;
};

struct For : Statement {
    Variable variable;
    Expression* from;
    Expression* to;
    Statement* body;
};

struct Return : Statement {
    Expression* value;  // may be null
};

struct Print : Statement {
    uint32_t count;
    Expression** values;
};

struct Doc {
    Doc* next;
    std::string_view text;
};

// A definition outside functions.
struct Global : Definition {
    Global* next;
    const File* file;
    Doc* docs;
};

struct Constant : Global {
    Expression* value;
};

struct Function : Global {
    uint32_t count;
    Variable* parameters;
    Statement* body;
};

struct Import {
    Import* next;
    const Interned* name;
    uint32_t at;
    const File* file;
};

// Side by side, since those of all files are gathered by one thread.
struct Export {
    const Interned* name;
    const Global* global;
};

struct File {
    const Interned* name;
    uint32_t at;
    uint32_t export_count;
    Export* exports;
    Import* imports;
    Global* globals;
};

}  // namespace with_tarn
