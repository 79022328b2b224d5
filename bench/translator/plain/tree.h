// SPDX-License-Identifier: MIT
// The plain translator: what one writes in C++20 without a library for allocation. Its choices:
//   - nodes are made by new and owned by std::unique_ptr; lists are std::vector, moved and never copied;
//   - names and texts are std::string, moved from the token into the tree; std::string_view is used to read
//     the source and to look keywords up;
//   - symbol tables are std::unordered_map<std::string, ...>, one per block, searched from the inside out;
//   - containers whose size can be told beforehand reserve it; C is appended to one std::string per file;
//   - a name's form in C is made once, where it is defined.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "language.h"

namespace plain {

using language::Kind;
using language::Type;

struct File;

// What a name may stand for.
struct Definition {
    enum class Is : uint8_t { kVariable, kConstant, kFunction };

    Definition(Is what, std::string named, uint32_t offset) : is(what), at(offset), name(std::move(named)) {}

    Is is;
    Type type = Type::kNone;  // of a function: its result's
    uint32_t at;              // offset in the source
    std::string name;
};

struct Variable : Definition {
    Variable(std::string named, uint32_t offset) : Definition(Is::kVariable, std::move(named), offset) {}

    language::Mutability mutability = language::Mutability::kLet;
    std::string name_in_c;  // with a number that is unique in the function
};

struct Expression {
    enum class Is : uint8_t { kNumber, kText, kBool, kName, kUnary, kBinary, kCall };

    Expression(Is what, uint32_t offset) : is(what), at(offset) {}
    virtual ~Expression() = default;

    Is is;
    Type type = Type::kNone;
    uint32_t at;
};
using ExpressionPointer = std::unique_ptr<Expression>;

struct Number : Expression {
    Number(int64_t given, uint32_t offset) : Expression(Is::kNumber, offset), value(given) {}
    int64_t value;
};

struct Text : Expression {
    Text(std::string given, uint32_t offset) : Expression(Is::kText, offset), value(std::move(given)) {}
    std::string value;
};

struct Bool : Expression {
    Bool(Kind given, uint32_t offset) : Expression(Is::kBool, offset), value(given) {}
    Kind value;
};

struct Name : Expression {
    Name(std::string given, uint32_t offset) : Expression(Is::kName, offset), name(std::move(given)) {}
    std::string name;
    const Definition* definition = nullptr;
};

struct Unary : Expression {
    Unary(Kind given, ExpressionPointer of, uint32_t offset)
        : Expression(Is::kUnary, offset), sign(given), operand(std::move(of)) {}
    Kind sign;
    ExpressionPointer operand;
};

struct Binary : Expression {
    Binary(Kind given, ExpressionPointer first, ExpressionPointer second, uint32_t offset)
        : Expression(Is::kBinary, offset), sign(given), left(std::move(first)), right(std::move(second)) {}
    Kind sign;
    ExpressionPointer left, right;
};

struct Call : Expression {
    Call(std::string given, uint32_t offset) : Expression(Is::kCall, offset), name(std::move(given)) {}
    std::string name;
    std::vector<ExpressionPointer> arguments;
    const Definition* definition = nullptr;
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

    Statement(Is what, uint32_t offset) : is(what), at(offset) {}
    virtual ~Statement() = default;

    Is is;
    uint32_t at;
};
using StatementPointer = std::unique_ptr<Statement>;
using Block = std::vector<StatementPointer>;

struct Declaration : Statement {
    Declaration(std::string name, uint32_t offset)
        : Statement(Is::kDeclaration, offset), variable(std::move(name), offset) {}
    Variable variable;
    ExpressionPointer value;
};

struct Assignment : Statement {
    Assignment(std::string given, uint32_t offset)
        : Statement(Is::kAssignment, offset), name(std::move(given)) {}
    std::string name;
    const Variable* variable = nullptr;
    ExpressionPointer value;
};

struct CallStatement : Statement {
    CallStatement(ExpressionPointer made, uint32_t offset)
        : Statement(Is::kCall, offset), call(std::move(made)) {}
    ExpressionPointer call;
};

struct If : Statement {
    explicit If(uint32_t offset) : Statement(Is::kIf, offset) {}
    ExpressionPointer condition;
    Block then;
    Block otherwise;  // a single If for "else if"
};

struct While : Statement {
    explicit While(uint32_t offset) : Statement(Is::kWhile, offset) {}
    ExpressionPointer condition;
    Block body;
};

struct For : Statement {
    For(std::string name, uint32_t offset) : Statement(Is::kFor, offset), variable(std::move(name), offset) {}
    Variable variable;
    ExpressionPointer from, to;
    Block body;
};

struct Return : Statement {
    explicit Return(uint32_t offset) : Statement(Is::kReturn, offset) {}
    ExpressionPointer value;  // may be null
};

struct Print : Statement {
    explicit Print(uint32_t offset) : Statement(Is::kPrint, offset) {}
    std::vector<ExpressionPointer> values;
};

struct Jump : Statement {
    Jump(Is what, uint32_t offset) : Statement(what, offset) {}
};

// A definition outside functions.
struct Global : Definition {
    using Definition::Definition;
    virtual ~Global() = default;

    const File* file = nullptr;
    bool exported = false;
    std::string name_in_c;  // with the module's
    std::vector<std::string> docs;
};

struct Constant : Global {
    Constant(std::string named, uint32_t offset) : Global(Is::kConstant, std::move(named), offset) {}
    ExpressionPointer value;
};

struct Function : Global {
    Function(std::string named, uint32_t offset) : Global(Is::kFunction, std::move(named), offset) {}
    std::vector<std::unique_ptr<Variable>> parameters;
    Block body;
};

struct Import {
    std::string name;
    uint32_t at;
    const File* file = nullptr;
};

struct File {
    std::string name;
    uint32_t at = 0;
    std::vector<Import> imports;
    std::vector<std::unique_ptr<Global>> globals;
    std::unordered_map<std::string, const Global*> table;
};

// What the files of a project know of each other.
struct Project {
    std::unordered_map<std::string, const File*> modules;
    std::unordered_map<std::string, const Global*> exports;
};

}  // namespace plain
