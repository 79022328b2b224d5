// SPDX-License-Identifier: MIT
// A tree of one file's tokens, by recursive descent.
#include <charconv>

#include "faults.h"
#include "plain/passes.h"

namespace plain {
namespace {

using language::Mutability;

// What a fault calls a token.
std::string_view shown(const Token& token) {
    if (!token.text.empty()) return token.text;
    if (token.kind < Kind::kName) return language::kKeywords[static_cast<size_t>(token.kind)];
    return token.kind == Kind::kEnd ? "end of file" : "sign";
}

class Parser {
  public:
    explicit Parser(std::vector<Token>& tokens) : next_(tokens.data()) {}

    std::unique_ptr<File> run() {
        auto file = std::make_unique<File>();
        expect(Kind::kModule);
        file->line = next_->line;
        file->name = name();
        expect(Kind::kSemicolon);
        while (next_->kind == Kind::kImport)
            import(*file);
        while (next_->kind != Kind::kEnd)
            item(*file);
        return file;
    }

  private:
    [[noreturn]] void fail() { translator::fail(next_->line, translator::kNotUnderstood, shown(*next_)); }
    bool accept(Kind kind) {
        if (next_->kind != kind) return false;
        ++next_;
        return true;
    }
    void expect(Kind kind) {
        if (!accept(kind)) fail();
    }
    std::string name() {
        if (next_->kind != Kind::kName) fail();
        return std::move(next_++->text);
    }
    Type type() {
        switch (next_++->kind) {
            case Kind::kInt:
                return Type::kInt;
            case Kind::kText:
                return Type::kText;
            case Kind::kBool:
                return Type::kBool;
            default:
                --next_;
                fail();
        }
    }

    void import(File& file) {
        ++next_;
        const unsigned line = next_->line;
        file.imports.push_back({name(), line});
        expect(Kind::kSemicolon);
    }

    void item(File& file) {
        std::vector<std::string> docs;
        while (next_->kind == Kind::kDoc)
            docs.push_back(std::move(next_++->text));
        const bool exported = accept(Kind::kExport);
        std::unique_ptr<Global> made;
        if (accept(Kind::kFn))
            made = function();
        else if (accept(Kind::kConst))
            made = constant();
        else
            fail();
        made->file = &file;
        made->exported = exported;
        made->docs = std::move(docs);
        if (!file.table.emplace(made->name, made.get()).second)
            translator::fail(made->line, translator::kTwice, made->name);
        file.globals.push_back(std::move(made));
    }

    std::unique_ptr<Global> function() {
        const unsigned line = next_->line;
        auto made = std::make_unique<Function>(name(), line);
        expect(Kind::kOpen);
        while (next_->kind != Kind::kClose) {
            if (!made->parameters.empty()) expect(Kind::kComma);
            const unsigned at = next_->line;
            auto parameter = std::make_unique<Variable>(name(), at);
            expect(Kind::kColon);
            parameter->type = type();
            made->parameters.push_back(std::move(parameter));
        }
        ++next_;
        if (accept(Kind::kColon)) made->type = type();
        made->body = block();
        return made;
    }

    std::unique_ptr<Global> constant() {
        const unsigned line = next_->line;
        auto made = std::make_unique<Constant>(name(), line);
        expect(Kind::kColon);
        made->type = type();
        expect(Kind::kAssign);
        made->value = sum();
        expect(Kind::kSemicolon);
        return made;
    }

    Block block() {
        Block made;
        expect(Kind::kOpenBlock);
        while (!accept(Kind::kCloseBlock))
            if (!accept(Kind::kDoc)) made.push_back(statement());
        return made;
    }

    StatementPointer statement() {
        const unsigned line = next_->line;
        switch (next_->kind) {
            case Kind::kLet:
                ++next_;
                return declaration(Mutability::kLet, line);
            case Kind::kVar:
                ++next_;
                return declaration(Mutability::kVar, line);
            case Kind::kName:
                return assignment_or_call(line);
            case Kind::kIf:
                ++next_;
                return branch(line);
            case Kind::kWhile:
                ++next_;
                return loop(line);
            case Kind::kFor:
                ++next_;
                return counted_loop(line);
            case Kind::kReturn:
                ++next_;
                return result(line);
            case Kind::kPrint:
                ++next_;
                return print(line);
            case Kind::kBreak:
                ++next_;
                return jump(Statement::Is::kBreak, line);
            case Kind::kContinue:
                ++next_;
                return jump(Statement::Is::kContinue, line);
            default:
                fail();
        }
    }

    StatementPointer declaration(Mutability mutability, unsigned line) {
        auto made = std::make_unique<Declaration>(name(), line);
        made->variable.mutability = mutability;
        if (accept(Kind::kColon)) made->variable.type = type();
        expect(Kind::kAssign);
        made->value = sum();
        expect(Kind::kSemicolon);
        return made;
    }

    StatementPointer assignment_or_call(unsigned line) {
        if (next_[1].kind == Kind::kOpen) {
            auto made = std::make_unique<CallStatement>(call(name(), line), line);
            expect(Kind::kSemicolon);
            return made;
        }
        auto made = std::make_unique<Assignment>(name(), line);
        expect(Kind::kAssign);
        made->value = sum();
        expect(Kind::kSemicolon);
        return made;
    }

    StatementPointer branch(unsigned line) {
        auto made = std::make_unique<If>(line);
        made->condition = sum();
        made->then = block();
        if (!accept(Kind::kElse)) return made;
        const unsigned at = next_->line;
        if (accept(Kind::kIf))
            made->otherwise.push_back(branch(at));
        else
            made->otherwise = block();
        return made;
    }

    StatementPointer loop(unsigned line) {
        auto made = std::make_unique<While>(line);
        made->condition = sum();
        made->body = block();
        return made;
    }

    StatementPointer counted_loop(unsigned line) {
        auto made = std::make_unique<For>(name(), line);
        expect(Kind::kIn);
        made->from = sum();
        expect(Kind::kRange);
        made->to = sum();
        made->body = block();
        return made;
    }

    StatementPointer result(unsigned line) {
        auto made = std::make_unique<Return>(line);
        if (accept(Kind::kSemicolon)) return made;
        made->value = sum();
        expect(Kind::kSemicolon);
        return made;
    }

    StatementPointer print(unsigned line) {
        auto made = std::make_unique<Print>(line);
        do
            made->values.push_back(sum());
        while (accept(Kind::kComma));
        expect(Kind::kSemicolon);
        return made;
    }

    StatementPointer jump(Statement::Is which, unsigned line) {
        expect(Kind::kSemicolon);
        return std::make_unique<Jump>(which, line);
    }

    // Operators of at least this precedence.
    ExpressionPointer sum(unsigned least = 1) {
        ExpressionPointer left = operand();
        for (;;) {
            const Kind sign = next_->kind;
            const unsigned found = language::precedence(sign);
            if (found < least || found == 0) return left;
            const unsigned line = next_++->line;
            ExpressionPointer right = sum(found + 1);
            left = std::make_unique<Binary>(sign, std::move(left), std::move(right), line);
        }
    }

    ExpressionPointer operand() {
        const unsigned line = next_->line;
        switch (next_->kind) {
            case Kind::kNumber:
                return number(line);
            case Kind::kString:
                return std::make_unique<Text>(std::move(next_++->text), line);
            case Kind::kTrue:
            case Kind::kFalse:
                return std::make_unique<Bool>(next_++->kind, line);
            case Kind::kName: {
                std::string found = name();
                if (next_->kind == Kind::kOpen) return call(std::move(found), line);
                return std::make_unique<Name>(std::move(found), line);
            }
            case Kind::kOpen: {
                ++next_;
                ExpressionPointer inner = sum();
                expect(Kind::kClose);
                return inner;
            }
            case Kind::kMinus:
            case Kind::kNot: {
                const Kind sign = next_++->kind;
                return std::make_unique<Unary>(sign, operand(), line);
            }
            default:
                fail();
        }
    }

    ExpressionPointer number(unsigned line) {
        const std::string& digits = next_->text;
        int64_t value = 0;
        if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc())
            translator::fail(line, translator::kNumberTooLarge, digits);
        ++next_;
        return std::make_unique<Number>(value, line);
    }

    ExpressionPointer call(std::string callee, unsigned line) {
        auto made = std::make_unique<Call>(std::move(callee), line);
        expect(Kind::kOpen);
        while (!accept(Kind::kClose)) {
            if (!made->arguments.empty()) expect(Kind::kComma);
            made->arguments.push_back(sum());
        }
        return made;
    }

    Token* next_;
};

}  // namespace

std::unique_ptr<File> parse(std::vector<Token> tokens) {
    return Parser(tokens).run();
}

}  // namespace plain
