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
        file->at = next_->at;
        file->name = name();
        expect(Kind::kSemicolon);
        while (next_->kind == Kind::kImport)
            import(*file);
        while (next_->kind != Kind::kEnd)
            item(*file);
        return file;
    }

  private:
    [[noreturn]] void fail() { translator::fail(next_->at, translator::kNotUnderstood, shown(*next_)); }
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
        const uint32_t at = next_->at;
        file.imports.push_back({name(), at});
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
        made->name_in_c = file.name + "__" + made->name;
        made->docs = std::move(docs);
        if (!file.table.emplace(made->name, made.get()).second)
            translator::fail(made->at, translator::kTwice, made->name);
        file.globals.push_back(std::move(made));
    }

    std::unique_ptr<Global> function() {
        const uint32_t at = next_->at;
        auto made = std::make_unique<Function>(name(), at);
        expect(Kind::kOpen);
        while (next_->kind != Kind::kClose) {
            if (!made->parameters.empty()) expect(Kind::kComma);
            const uint32_t begin = next_->at;
            auto parameter = std::make_unique<Variable>(name(), begin);
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
        const uint32_t at = next_->at;
        auto made = std::make_unique<Constant>(name(), at);
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
        const uint32_t at = next_->at;
        switch (next_->kind) {
            case Kind::kLet:
                ++next_;
                return declaration(Mutability::kLet, at);
            case Kind::kVar:
                ++next_;
                return declaration(Mutability::kVar, at);
            case Kind::kName:
                return assignment_or_call(at);
            case Kind::kIf:
                ++next_;
                return branch(at);
            case Kind::kWhile:
                ++next_;
                return loop(at);
            case Kind::kFor:
                ++next_;
                return counted_loop(at);
            case Kind::kReturn:
                ++next_;
                return result(at);
            case Kind::kPrint:
                ++next_;
                return print(at);
            case Kind::kBreak:
                ++next_;
                return jump(Statement::Is::kBreak, at);
            case Kind::kContinue:
                ++next_;
                return jump(Statement::Is::kContinue, at);
            default:
                fail();
        }
    }

    StatementPointer declaration(Mutability mutability, uint32_t at) {
        auto made = std::make_unique<Declaration>(name(), at);
        made->variable.mutability = mutability;
        if (accept(Kind::kColon)) made->variable.type = type();
        expect(Kind::kAssign);
        made->value = sum();
        expect(Kind::kSemicolon);
        return made;
    }

    StatementPointer assignment_or_call(uint32_t at) {
        if (next_[1].kind == Kind::kOpen) {
            auto made = std::make_unique<CallStatement>(call(name(), at), at);
            expect(Kind::kSemicolon);
            return made;
        }
        auto made = std::make_unique<Assignment>(name(), at);
        expect(Kind::kAssign);
        made->value = sum();
        expect(Kind::kSemicolon);
        return made;
    }

    StatementPointer branch(uint32_t at) {
        auto made = std::make_unique<If>(at);
        made->condition = sum();
        made->then = block();
        if (!accept(Kind::kElse)) return made;
        const uint32_t inner = next_->at;
        if (accept(Kind::kIf))
            made->otherwise.push_back(branch(inner));
        else
            made->otherwise = block();
        return made;
    }

    StatementPointer loop(uint32_t at) {
        auto made = std::make_unique<While>(at);
        made->condition = sum();
        made->body = block();
        return made;
    }

    StatementPointer counted_loop(uint32_t at) {
        auto made = std::make_unique<For>(name(), at);
        expect(Kind::kIn);
        made->from = sum();
        expect(Kind::kRange);
        made->to = sum();
        made->body = block();
        return made;
    }

    StatementPointer result(uint32_t at) {
        auto made = std::make_unique<Return>(at);
        if (accept(Kind::kSemicolon)) return made;
        made->value = sum();
        expect(Kind::kSemicolon);
        return made;
    }

    StatementPointer print(uint32_t at) {
        auto made = std::make_unique<Print>(at);
        do
            made->values.push_back(sum());
        while (accept(Kind::kComma));
        expect(Kind::kSemicolon);
        return made;
    }

    StatementPointer jump(Statement::Is which, uint32_t at) {
        expect(Kind::kSemicolon);
        return std::make_unique<Jump>(which, at);
    }

    // Operators of at least this precedence.
    ExpressionPointer sum(unsigned least = 1) {
        ExpressionPointer left = operand();
        for (;;) {
            const Kind sign = next_->kind;
            const unsigned found = language::precedence(sign);
            if (found < least || found == 0) return left;
            const uint32_t at = next_++->at;
            ExpressionPointer right = sum(found + 1);
            left = std::make_unique<Binary>(sign, std::move(left), std::move(right), at);
        }
    }

    ExpressionPointer operand() {
        const uint32_t at = next_->at;
        switch (next_->kind) {
            case Kind::kNumber:
                return number(at);
            case Kind::kString:
                return std::make_unique<Text>(std::move(next_++->text), at);
            case Kind::kTrue:
            case Kind::kFalse:
                return std::make_unique<Bool>(next_++->kind, at);
            case Kind::kName: {
                std::string found = name();
                if (next_->kind == Kind::kOpen) return call(std::move(found), at);
                return std::make_unique<Name>(std::move(found), at);
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
                return std::make_unique<Unary>(sign, operand(), at);
            }
            default:
                fail();
        }
    }

    ExpressionPointer number(uint32_t at) {
        const std::string& digits = next_->text;
        int64_t value = 0;
        if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc())
            translator::fail(at, translator::kNumberTooLarge, digits);
        ++next_;
        return std::make_unique<Number>(value, at);
    }

    ExpressionPointer call(std::string callee, uint32_t at) {
        auto made = std::make_unique<Call>(std::move(callee), at);
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
