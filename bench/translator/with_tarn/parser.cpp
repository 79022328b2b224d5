// SPDX-License-Identifier: MIT
// A tree of one file's tokens, by recursive descent.
#include <charconv>

#include "faults.h"
#include "tarn/small_vector.hpp"
#include "with_tarn/reader.h"

namespace with_tarn {
namespace {

using language::Mutability;

constexpr size_t kDigitsSafe = 19;  // fewer are in range
alignas(16) constexpr char kTrueInC[16] = "true", kFalseInC[16] = "false";
constexpr std::string_view kTrue(kTrueInC, 4), kFalse(kFalseInC, 5);

constexpr std::array<uint8_t, 64> kPrecedences = [] {
    std::array<uint8_t, 64> made{};
    for (size_t i = 0; i < language::kOperators.size(); ++i)
        made[static_cast<size_t>(Kind::kOr) + i] = language::kOperators[i].precedence;
    return made;
}();

class Parser : Reader {
  public:
    Parser(std::string_view source, tarn_interner* names, Worker& worker)
        : Reader(source, names, worker), scopes_(worker.scopes) {}

    File* run() {
        try {
            return file();
        } catch (const translator::Fault&) {
            // A fault in a token comes first, wherever it is.
            while (next_.kind() != Kind::kEnd)
                next_.advance();
            throw;
        }
    }

  private:
    File* file() {
        File* const file = make<File>({});
        expect(Kind::kModule);
        file->at = next_.offset();
        file->name = name();
        expect(Kind::kSemicolon);
        for (Import** last = &file->imports; next_.kind() == Kind::kImport; last = &(*last)->next)
            *last = import();
        scopes_.clear();
        tarn::SmallVector<Export, 16> exports;
        for (Global** last = &file->globals; next_.kind() != Kind::kEnd; last = &(*last)->next) {
            *last = item(*file);
            if ((*last)->exported) exports.push_back({(*last)->name, *last});
        }
        file->exports = arena_.copy(std::span<Export>(exports)).data();
        file->export_count = static_cast<uint32_t>(exports.size());
        return file;
    }

    template <class Node>
    Node* make(const Node& node) {
        return arena_.make<Node>(node);
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
            *last = make<Doc>({nullptr, doc()});
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

    // With the name at hand.
    Definition definition(Definition::Is is, uint32_t at) {
        const char* const text = source_.data() + next_.offset();
        const uint32_t length = next_.name_length();
        return {is, Type::kNone, Mutability::kLet, false, at, length, name(), text};
    }
    Variable variable(uint32_t at) { return definition(Definition::Is::kVariable, at); }

    Global* function() {
        const uint32_t at = next_.offset();
        Function* const made = make<Function>({});
        static_cast<Definition&>(*made) = definition(Definition::Is::kFunction, at);
        tarn::SmallVector<Variable, 8> parameters;
        expect(Kind::kOpen);
        while (next_.kind() != Kind::kClose) {
            if (!parameters.empty()) expect(Kind::kComma);
            const uint32_t begin = next_.offset();
            Variable parameter = variable(begin);
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
        static_cast<Definition&>(*made) = definition(Definition::Is::kConstant, at);
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
            make<Declaration>({{Statement::Is::kDeclaration, at, nullptr}, variable(at), nullptr});
        made->variable.mutability = mutability;
        if (accept(Kind::kColon)) made->variable.type = type();
        expect(Kind::kAssign);
        made->value = sum();
        expect(Kind::kSemicolon);
        return made;
    }

    Statement* assignment_or_call(uint32_t at) {
        const Interned* const first = name();
        if (next_.kind() == Kind::kOpen) {
            CallStatement* const made = make<CallStatement>({{Statement::Is::kCall, at, nullptr}, nullptr});
            made->call = call(first, at);
            expect(Kind::kSemicolon);
            return made;
        }
        Assignment* const made =
            make<Assignment>({{Statement::Is::kAssignment, at, nullptr}, {first}, nullptr});
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
            make<For>({{Statement::Is::kFor, at, nullptr}, variable(at), nullptr, nullptr, nullptr});
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
            const unsigned found = kPrecedences[static_cast<size_t>(sign)];  // 0: no operator
            if (found < least) return left;
            const uint32_t at = next_.offset();
            next_.advance();
            Expression* const right = sum(found + 1);
            left = make<Binary>({{Expression::Is::kBinary, Type::kNone, sign, {at}}, left, right});
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
                const bool verbatim = !(next_.value() & Lexer::kNotVerbatim);
                next_.advance();
                return make<Text>({{Expression::Is::kText, Type::kText, kind, {at}},
                                   static_cast<uint32_t>(value.size()),
                                   verbatim,
                                   value.data()});
            }
            case Kind::kTrue:
            case Kind::kFalse:
                next_.advance();
                return written(Type::kBool, kind == Kind::kTrue ? kTrue : kFalse);
            case Kind::kName: {
                const Interned* const found = name();
                if (next_.kind() == Kind::kOpen) return call(found, at);
                return make<Name>({{Expression::Is::kName, Type::kNone, kind, {at}}, found});
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
                return make<Unary>({{Expression::Is::kUnary, Type::kNone, kind, {at}}, inner});
            }
            default:
                fail();
        }
    }

    // In C a number is written as here, but that zeros in front would mean another base.
    Expression* number(uint32_t at) {
        std::string_view digits(source_.data() + at, next_.value());
        if (digits.size() >= kDigitsSafe) check_range(digits, at);
        while (digits.size() > 1 && digits.front() == '0')
            digits.remove_prefix(1);
        next_.advance();
        return written(Type::kInt, digits);
    }
    [[gnu::noinline]] static void check_range(std::string_view digits, uint32_t at) {
        int64_t value;
        if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc())
            translator::fail(at, translator::kNumberTooLarge, digits);
    }
    Expression* written(Type type, std::string_view text) {
        return make<Written>(
            {{Expression::Is::kWritten, type, Kind::kEnd, {.length = static_cast<uint32_t>(text.size())}},
             text.data()});
    }

    Call* call(const Interned* callee, uint32_t at) {
        Call* const made =
            make<Call>({{Expression::Is::kCall, Type::kNone, Kind::kName, {at}}, {callee}, 0, nullptr});
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

    Scopes& scopes_;
};

}  // namespace

File* parse(std::string_view source, tarn_interner* names, Worker& worker) {
    return Parser(source, names, worker).run();
}

}  // namespace with_tarn
