// SPDX-License-Identifier: MIT
// The plain translator: what one writes in C++20 without a library for allocation. Its choices:
//   - nodes are made by new and owned by std::unique_ptr; lists are std::vector, moved and never copied;
//   - names and texts are std::string, moved from the token into the tree; the source is read by
//   std::string_view,
//     and so are keywords looked up;
//   - symbol tables are std::unordered_map<std::string, ...>, one per block, searched from the inside out;
//   - containers whose size can be told beforehand reserve it; C is appended to one std::string per file.
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

    Definition(Is what, std::string named, unsigned at) : is(what), line(at), name(std::move(named)) {}

    Is is;
    Type type = Type::kNone;  // of a function: its result's
    unsigned line;
    std::string name;
};

struct Variable : Definition {
    Variable(std::string named, unsigned at) : Definition(Is::kVariable, std::move(named), at) {}

    language::Mutability mutability = language::Mutability::kLet;
    unsigned number = 0;  // unique in its function
};

struct Expression {
    enum class Is : uint8_t { kNumber, kText, kBool, kName, kUnary, kBinary, kCall };

    Expression(Is what, unsigned at) : is(what), line(at) {}
    virtual ~Expression() = default;

    Is is;
    Type type = Type::kNone;
    unsigned line;
};
using ExpressionPointer = std::unique_ptr<Expression>;

struct Number : Expression {
    Number(int64_t given, unsigned at) : Expression(Is::kNumber, at), value(given) {}
    int64_t value;
};

struct Text : Expression {
    Text(std::string given, unsigned at) : Expression(Is::kText, at), value(std::move(given)) {}
    std::string value;
};

struct Bool : Expression {
    Bool(Kind given, unsigned at) : Expression(Is::kBool, at), value(given) {}
    Kind value;
};

struct Name : Expression {
    Name(std::string given, unsigned at) : Expression(Is::kName, at), name(std::move(given)) {}
    std::string name;
    const Definition* definition = nullptr;
};

struct Unary : Expression {
    Unary(Kind given, ExpressionPointer of, unsigned at)
        : Expression(Is::kUnary, at), sign(given), operand(std::move(of)) {}
    Kind sign;
    ExpressionPointer operand;
};

struct Binary : Expression {
    Binary(Kind given, ExpressionPointer first, ExpressionPointer second, unsigned at)
        : Expression(Is::kBinary, at), sign(given), left(std::move(first)), right(std::move(second)) {}
    Kind sign;
    ExpressionPointer left, right;
};

struct Call : Expression {
    Call(std::string given, unsigned at) : Expression(Is::kCall, at), name(std::move(given)) {}
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

    Statement(Is what, unsigned at) : is(what), line(at) {}
    virtual ~Statement() = default;

    Is is;
    unsigned line;
};
using StatementPointer = std::unique_ptr<Statement>;
using Block = std::vector<StatementPointer>;

struct Declaration : Statement {
    Declaration(std::string name, unsigned at)
        : Statement(Is::kDeclaration, at), variable(std::move(name), at) {}
    Variable variable;
    ExpressionPointer value;
};

struct Assignment : Statement {
    Assignment(std::string given, unsigned at) : Statement(Is::kAssignment, at), name(std::move(given)) {}
    std::string name;
    const Variable* variable = nullptr;
    ExpressionPointer value;
};

struct CallStatement : Statement {
    CallStatement(ExpressionPointer made, unsigned at) : Statement(Is::kCall, at), call(std::move(made)) {}
    ExpressionPointer call;
};

struct If : Statement {
    explicit If(unsigned at) : Statement(Is::kIf, at) {}
    ExpressionPointer condition;
    Block then;
    Block otherwise;  // a single If for "else if"
};

struct While : Statement {
    explicit While(unsigned at) : Statement(Is::kWhile, at) {}
    ExpressionPointer condition;
    Block body;
};

struct For : Statement {
    For(std::string name, unsigned at) : Statement(Is::kFor, at), variable(std::move(name), at) {}
    Variable variable;
    ExpressionPointer from, to;
    Block body;
};

struct Return : Statement {
    explicit Return(unsigned at) : Statement(Is::kReturn, at) {}
    ExpressionPointer value;  // may be null
};

struct Print : Statement {
    explicit Print(unsigned at) : Statement(Is::kPrint, at) {}
    std::vector<ExpressionPointer> values;
};

struct Jump : Statement {
    Jump(Is what, unsigned at) : Statement(what, at) {}
};

// A definition outside functions.
struct Global : Definition {
    using Definition::Definition;
    virtual ~Global() = default;

    const File* file = nullptr;
    bool exported = false;
    std::vector<std::string> docs;
};

struct Constant : Global {
    Constant(std::string named, unsigned at) : Global(Is::kConstant, std::move(named), at) {}
    ExpressionPointer value;
};

struct Function : Global {
    Function(std::string named, unsigned at) : Global(Is::kFunction, std::move(named), at) {}
    std::vector<std::unique_ptr<Variable>> parameters;
    Block body;
};

struct Import {
    std::string name;
    unsigned line;
    const File* file = nullptr;
};

struct File {
    std::string name;
    unsigned line = 0;
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
