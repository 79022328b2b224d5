// SPDX-License-Identifier: MIT
// A tree of one file's tokens, by recursive descent.
#include <charconv>

#include "faults.h"
#include "tarn/scan.h"
#include "tarn/small_vector.hpp"
#include "with_tarn/passes.h"

namespace with_tarn {
namespace {

using language::Mutability;

class Parser {
  public:
    Parser(std::string_view source, const Tokens& tokens, tarn::ArenaRef arena, Scopes& scopes)
        : source_(source), next_(tokens), arena_(arena), scopes_(scopes) {}

    File* run() {
        File* const file = make<File>({});
        expect(Kind::kModule);
        file->at = next_.offset();
        file->name = name();
        expect(Kind::kSemicolon);
        for (Import** last = &file->imports; next_.kind() == Kind::kImport; last = &(*last)->next)
            *last = import();
        scopes_.clear();
        for (Global** last = &file->globals; next_.kind() != Kind::kEnd; last = &(*last)->next)
            *last = item(*file);
        return file;
    }

  private:
    template <class Node>
    Node* make(const Node& node) {
        return arena_.make<Node>(node);
    }

    // What a fault calls a token.
    std::string_view shown() const {
        switch (next_.kind()) {
            case Kind::kName:
                return text_of(next_.name());
            case Kind::kNumber:
                return {source_.data() + next_.offset(), next_.value()};
            case Kind::kDoc:
                return shown(source_.substr(next_.offset() + 3, next_.value() - 3));
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

    Import* import() {
        next_.advance();
        const uint32_t at = next_.offset();
        Import* const made = make<Import>({nullptr, name(), at, nullptr});
        expect(Kind::kSemicolon);
        return made;
    }

    Global* item(const File& file) {
        Doc* docs = nullptr;
        for (Doc** last = &docs; next_.kind() == Kind::kDoc; last = &(*last)->next) {
            *last = make<Doc>({nullptr, source_.substr(next_.offset() + 3, next_.value() - 3)});
            next_.advance();
        }
        const bool exported = accept(Kind::kExport);
        Global* made;
        if (accept(Kind::kFn))
            made = function();
        else if (accept(Kind::kConst))
            made = constant();
        else
            fail();
        made->file = &file;
        made->exported = exported;
        name_in_c(*made, file);
        made->docs = docs;
        if (!scopes_.declare(made)) translator::fail(made->at, translator::kTwice, text_of(made->name));
        return made;
    }

    void name_in_c(Definition& global, const File& file) const {
        const std::string_view module = text_of(file.name), name = text_of(global.name);
        char* const text = padded_room(arena_, module.size() + 2 + name.size());
        memcpy(text, module.data(), module.size());
        memcpy(text + module.size(), "__", 2);
        memcpy(text + module.size() + 2, name.data(), name.size());
        global.in_c = text;
        global.length = static_cast<uint32_t>(module.size() + 2 + name.size());
    }

    static Definition definition(Definition::Is is, uint32_t at, const Interned* name) {
        return {is, Type::kNone, Mutability::kLet, false, at, 0, name, nullptr};
    }
    static Variable variable(uint32_t at, const Interned* name) {
        return definition(Definition::Is::kVariable, at, name);
    }

    Global* function() {
        const uint32_t at = next_.offset();
        Function* const made = make<Function>({});
        static_cast<Definition&>(*made) = definition(Definition::Is::kFunction, at, name());
        tarn::SmallVector<Variable, 8> parameters;
        expect(Kind::kOpen);
        while (next_.kind() != Kind::kClose) {
            if (!parameters.empty()) expect(Kind::kComma);
            const uint32_t begin = next_.offset();
            Variable parameter = variable(begin, name());
            expect(Kind::kColon);
            parameter.type = type();
            parameters.push_back(parameter);
        }
        next_.advance();
        made->parameters = arena_.copy(std::span<Variable>(parameters)).data();
        made->count = static_cast<uint32_t>(parameters.size());
        if (accept(Kind::kColon)) made->type = type();
        made->body = block();
        return made;
    }

    Global* constant() {
        const uint32_t at = next_.offset();
        Constant* const made = make<Constant>({});
        static_cast<Definition&>(*made) = definition(Definition::Is::kConstant, at, name());
        expect(Kind::kColon);
        made->type = type();
        expect(Kind::kAssign);
        made->value = sum();
        expect(Kind::kSemicolon);
        return made;
    }

    Statement* block() {
        Statement* first = nullptr;
        Statement** last = &first;
        expect(Kind::kOpenBlock);
        while (!accept(Kind::kCloseBlock)) {
            if (accept(Kind::kDoc)) continue;
            *last = statement();
            last = &(*last)->next;
        }
        return first;
    }

    Statement* statement() {
        const uint32_t at = next_.offset();
        const Kind kind = next_.kind();
        if (kind == Kind::kName) return assignment_or_call(at);
        if (kind < Kind::kLet || kind > Kind::kContinue || kind == Kind::kElse || kind == Kind::kIn) fail();
        next_.advance();
        switch (kind) {
            case Kind::kLet:
                return declaration(Mutability::kLet, at);
            case Kind::kVar:
                return declaration(Mutability::kVar, at);
            case Kind::kIf:
                return branch(at);
            case Kind::kWhile:
                return loop(at);
            case Kind::kFor:
                return counted_loop(at);
            case Kind::kReturn:
                return result(at);
            case Kind::kPrint:
                return print(at);
            case Kind::kBreak:
                return jump(Statement::Is::kBreak, at);
            default:
                return jump(Statement::Is::kContinue, at);
        }
    }

    Statement* declaration(Mutability mutability, uint32_t at) {
        Declaration* const made =
            make<Declaration>({{Statement::Is::kDeclaration, at, nullptr}, variable(at, name()), nullptr});
        made->variable.mutability = mutability;
        if (accept(Kind::kColon)) made->variable.type = type();
        expect(Kind::kAssign);
        made->value = sum();
        expect(Kind::kSemicolon);
        return made;
    }

    Statement* assignment_or_call(uint32_t at) {
        if (next_.kind_of_next() == Kind::kOpen) {
            CallStatement* const made = make<CallStatement>({{Statement::Is::kCall, at, nullptr}, nullptr});
            made->call = call(name(), at);
            expect(Kind::kSemicolon);
            return made;
        }
        Assignment* const made =
            make<Assignment>({{Statement::Is::kAssignment, at, nullptr}, {name()}, nullptr});
        expect(Kind::kAssign);
        made->value = sum();
        expect(Kind::kSemicolon);
        return made;
    }

    Statement* branch(uint32_t at) {
        If* const made = make<If>({{Statement::Is::kIf, at, nullptr}, nullptr, nullptr, nullptr});
        made->condition = sum();
        made->then = block();
        if (!accept(Kind::kElse)) return made;
        const uint32_t inner = next_.offset();
        made->otherwise = accept(Kind::kIf) ? branch(inner) : block();
        return made;
    }

    Statement* loop(uint32_t at) {
        While* const made = make<While>({{Statement::Is::kWhile, at, nullptr}, nullptr, nullptr});
        made->condition = sum();
        made->body = block();
        return made;
    }

    Statement* counted_loop(uint32_t at) {
        For* const made =
            make<For>({{Statement::Is::kFor, at, nullptr}, variable(at, name()), nullptr, nullptr, nullptr});
        expect(Kind::kIn);
        made->from = sum();
        expect(Kind::kRange);
        made->to = sum();
        made->body = block();
        return made;
    }

    Statement* result(uint32_t at) {
        Return* const made = make<Return>({{Statement::Is::kReturn, at, nullptr}, nullptr});
        if (accept(Kind::kSemicolon)) return made;
        made->value = sum();
        expect(Kind::kSemicolon);
        return made;
    }

    Statement* print(uint32_t at) {
        Print* const made = make<Print>({{Statement::Is::kPrint, at, nullptr}, 0, nullptr});
        tarn::SmallVector<Expression*, 8> values;
        do
            values.push_back(sum());
        while (accept(Kind::kComma));
        expect(Kind::kSemicolon);
        made->values = arena_.copy(std::span<Expression*>(values)).data();
        made->count = static_cast<uint32_t>(values.size());
        return made;
    }

    Statement* jump(Statement::Is which, uint32_t at) {
        expect(Kind::kSemicolon);
        return make<Statement>({which, at, nullptr});
    }

    // Operators of at least this precedence.
    Expression* sum(unsigned least = 1) {
        Expression* left = operand();
        for (;;) {
            const Kind sign = next_.kind();
            const unsigned found = language::precedence(sign);
            if (found < least || found == 0) return left;
            const uint32_t at = next_.offset();
            next_.advance();
            Expression* const right = sum(found + 1);
            left = make<Binary>({{Expression::Is::kBinary, Type::kNone, sign, at}, left, right});
        }
    }

    Expression* operand() {
        const uint32_t at = next_.offset();
        const Kind kind = next_.kind();
        switch (kind) {
            case Kind::kNumber:
                return number(at);
            case Kind::kString: {
                const std::string_view value = text();
                next_.advance();
                return make<Text>({{Expression::Is::kText, Type::kText, kind, at},
                                   static_cast<uint32_t>(value.size()),
                                   value.data()});
            }
            case Kind::kTrue:
            case Kind::kFalse:
                next_.advance();
                return make<Expression>({Expression::Is::kBool, Type::kBool, kind, at});
            case Kind::kName: {
                const Interned* const found = name();
                if (next_.kind() == Kind::kOpen) return call(found, at);
                return make<Name>({{Expression::Is::kName, Type::kNone, kind, at}, {found}});
            }
            case Kind::kOpen: {
                next_.advance();
                Expression* const inner = sum();
                expect(Kind::kClose);
                return inner;
            }
            case Kind::kMinus:
            case Kind::kNot: {
                next_.advance();
                Expression* const inner = operand();
                return make<Unary>({{Expression::Is::kUnary, Type::kNone, kind, at}, inner});
            }
            default:
                fail();
        }
    }

    Expression* number(uint32_t at) {
        const char* const digits = source_.data() + at;
        const uint64_t length = next_.value();
        int64_t value = 0;
        if (std::from_chars(digits, digits + length, value).ec != std::errc())
            translator::fail(at, translator::kNumberTooLarge, {digits, length});
        next_.advance();
        return make<Number>({{Expression::Is::kNumber, Type::kInt, Kind::kNumber, at}, value});
    }

    // What the text at hand says: a part of the source, or a copy without escapes in the arena.
    std::string_view text() const {
        const char* const begin = source_.data() + next_.offset() + 1;
        const size_t length = next_.value() & ~kHasEscapes;
        return next_.value() & kHasEscapes ? unescaped(begin, length) : std::string_view(begin, length);
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

    Call* call(const Interned* callee, uint32_t at) {
        Call* const made =
            make<Call>({{{Expression::Is::kCall, Type::kNone, Kind::kName, at}, {callee}}, 0, nullptr});
        expect(Kind::kOpen);
        tarn::SmallVector<Expression*, 8> arguments;
        while (!accept(Kind::kClose)) {
            if (!arguments.empty()) expect(Kind::kComma);
            arguments.push_back(sum());
        }
        made->arguments = arena_.copy(std::span<Expression*>(arguments)).data();
        made->count = static_cast<uint32_t>(arguments.size());
        return made;
    }

    std::string_view source_;
    Cursor next_;
    tarn::ArenaRef arena_;
    Scopes& scopes_;
};

}  // namespace

File* parse(std::string_view source, const Tokens& tokens, tarn::ArenaRef arena, Scopes& scopes) {
    return Parser(source, tokens, arena, scopes).run();
}

}  // namespace with_tarn
