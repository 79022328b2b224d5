// SPDX-License-Identifier: MIT
// C of one file. Functions take the end of the text and return the new one; each asks for room for all that
// it writes itself, in one go.
#include "tarn/scan.h"
#include "with_tarn/passes.h"

namespace with_tarn {
namespace {

constexpr auto kTypesInC = words_of(language::kTypesInC);
constexpr auto kTypeNames = words_of(language::kTypeNames);
constexpr auto kSigns = [] {
    std::array<std::string_view, language::kOperators.size()> signs;
    for (size_t i = 0; i < signs.size(); ++i)
        signs[i] = language::kOperators[i].sign;
    return words_of(signs);
}();

constexpr size_t kWords = 128;  // more than any node writes besides names and texts
constexpr size_t kIndentMost = 64;

// What C writes with an escape.
const tarn_byte_set kEscaped = [] {
    tarn_byte_set made;
    tarn_byte_set_make(&made, "\"\\\n\t", 4);
    return made;
}();

class Emitter {
  public:
    explicit Emitter(Output& output) : out_(output) {}

    char* run(const File& file) {
        char* to = out_.begin();
        to = text(write(room(to), "/* module "), text_of(file.name));
        to = write(room(to), " */\n#include \"runtime.h\"\n");
        for (const Import* import = file.imports; import; import = import->next) {
            to = text(write(room(to), "#include \""), text_of(import->name));
            to = write(room(to), ".h\"\n");
        }
        for (const Global* global = file.globals; global; global = global->next)
            to = declaration(to, *global);
        for (const Global* global = file.globals; global; global = global->next)
            if (global->is == Definition::Is::kFunction)
                to = function(to, static_cast<const Function&>(*global));
        return to;
    }

  private:
    char* room(char* to, size_t more = 0) { return out_.room(to, kWords + more); }
    char* text(char* to, std::string_view given) { return write(room(to, given.size()), given); }
    char* source_text(char* to, std::string_view given) {
        return write_padded(room(to, given.size()), given.data(), given.size());
    }

    // However many of these follow each other.
    char* close(char* to) { return write(room(to), ')'); }

    // Room for words is there behind a name, too.
    char* name(char* to, const Definition& definition) {
        return write_padded(room(to, definition.length), definition.in_c, definition.length);
    }
    char* variable_head(char* to, const Variable& variable) {
        return name(write(write(to, kTypesInC[static_cast<size_t>(variable.type)]), ' '), variable);
    }

    char* indent(char* to) {
        size_t left = 4 * depth_;
        for (; left > kIndentMost; left -= kIndentMost) {
            memset(to, ' ', kIndentMost);
            to = room(to + kIndentMost);
        }
        memset(to, ' ', kIndentMost);  // of a fixed length: a few stores
        return to + left;
    }

    char* declaration(char* to, const Global& global) {
        if (global.is == Definition::Is::kFunction)
            return write(head(to, static_cast<const Function&>(global)), ";\n");
        to = room(docs(to, global));
        if (!global.exported) to = write(to, "static ");
        to = write(to, "const ");
        to = write(variable_head(to, global), " = ");
        return write(expression(to, *static_cast<const Constant&>(global).value), ";\n");
    }

    char* docs(char* to, const Global& global) {
        for (const Doc* doc = global.docs; doc; doc = doc->next)
            to = write(source_text(write(room(to), "//"), doc->text), '\n');
        return to;
    }

    // Leaves room for words.
    char* head(char* to, const Function& function) {
        to = room(to);
        if (!function.exported) to = write(to, "static ");
        to = write(variable_head(to, function), '(');
        for (uint32_t i = 0; i < function.count; ++i) {
            if (i) to = write(to, ", ");
            to = variable_head(room(to), function.parameters[i]);
        }
        return function.count ? write(to, ')') : write(to, "void)");
    }

    char* function(char* to, const Function& function) {
        to = docs(write(room(to), '\n'), function);
        to = block(head(to, function), function.body);
        return write(to, '\n');
    }

    // Without a newline after it.
    char* block(char* to, const Statement* first) {
        to = write(room(to), " {\n");
        ++depth_;
        for (const Statement* each = first; each; each = each->next) {
            to = statement(indent(room(to, kIndentMost)), *each);
            to = write(to, '\n');
        }
        --depth_;
        return write(indent(room(to, kIndentMost)), '}');
    }

    // Room for words is there at the start, and a part of it at the end.
    char* statement(char* to, const Statement& given) {
        switch (given.is) {
            case Statement::Is::kDeclaration:
                return local(to, static_cast<const Declaration&>(given));
            case Statement::Is::kAssignment:
                return assignment(to, static_cast<const Assignment&>(given));
            case Statement::Is::kCall:
                return write(call(to, *static_cast<const CallStatement&>(given).call), ';');
            case Statement::Is::kIf:
                return branch(to, static_cast<const If&>(given));
            case Statement::Is::kWhile:
                return loop(to, static_cast<const While&>(given));
            case Statement::Is::kFor:
                return counted_loop(to, static_cast<const For&>(given));
            case Statement::Is::kReturn:
                return result(to, static_cast<const Return&>(given));
            case Statement::Is::kPrint:
                return print(to, static_cast<const Print&>(given));
            case Statement::Is::kBreak:
                return write(to, "break;");
            case Statement::Is::kContinue:
                return write(to, "continue;");
        }
        __builtin_unreachable();
    }

    char* local(char* to, const Declaration& given) {
        if (given.variable.mutability == language::Mutability::kLet) to = write(to, "const ");
        to = write(variable_head(to, given.variable), " = ");
        return write(expression(to, *given.value), ';');
    }

    char* assignment(char* to, const Assignment& given) {
        to = write(name(to, *given.variable), " = ");
        return write(expression(to, *given.value), ';');
    }

    char* branch(char* to, const If& given) {
        to = write(expression(write(to, "if ("), *given.condition), ')');
        to = block(to, given.then);
        return given.otherwise ? block(write(to, " else"), given.otherwise) : to;
    }

    char* loop(char* to, const While& given) {
        to = write(expression(write(to, "while ("), *given.condition), ')');
        return block(to, given.body);
    }

    // for (int64_t i_3 = FROM, i_3_end = TO; i_3 < i_3_end; ++i_3)
    char* counted_loop(char* to, const For& given) {
        to = write(variable_head(write(to, "for ("), given.variable), " = ");
        to = write(expression(to, *given.from), ", ");
        to = write(name(to, given.variable), "_end = ");
        to = write(expression(to, *given.to), "; ");
        to = write(name(to, given.variable), " < ");
        to = write(name(to, given.variable), "_end; ++");
        return block(write(name(to, given.variable), ')'), given.body);
    }

    char* result(char* to, const Return& given) {
        to = write(to, "return");
        if (given.value) to = expression(write(to, ' '), *given.value);
        return write(to, ';');
    }

    char* print(char* to, const Print& given) {
        for (uint32_t i = 0; i < given.count; ++i) {
            to = write(write(room(to), "print_"), kTypeNames[static_cast<size_t>(given.values[i]->type)]);
            to = write(expression(write(to, '('), *given.values[i]), "); ");
        }
        return write(to, "print_line();");
    }

    // Needs no room, and leaves room for words. Most are one word.
    char* expression(char* to, const Expression& given) {
        if (given.is != Expression::Is::kWritten) return compound(room(to), given);
        return write_padded(room(to, given.length), static_cast<const Written&>(given).text, given.length);
    }
    char* compound(char* to, const Expression& given) {
        switch (given.is) {
            case Expression::Is::kText:
                return text(to, static_cast<const Text&>(given));
            case Expression::Is::kUnary:
                to = write(write(to, given.sign == Kind::kMinus ? '-' : '!'), '(');
                return close(expression(to, *static_cast<const Unary&>(given).operand));
            case Expression::Is::kBinary:
                return binary(to, static_cast<const Binary&>(given));
            case Expression::Is::kCall:
                return call(to, static_cast<const Call&>(given));
            case Expression::Is::kWritten:
            case Expression::Is::kName:  // none is left
                break;
        }
        __builtin_unreachable();
    }

    // text_of("...", LENGTH)
    char* text(char* to, const Text& given) {
        to = write(to, "text_of(\"");
        std::string_view rest(given.text, given.size);
        if (given.verbatim)
            to = room(source_text(to, rest));
        else
            to = escaped(to, rest);
        return write(write_number(write(to, "\", "), given.size), ')');
    }
    char* escaped(char* to, std::string_view rest) {
        for (;;) {
            const size_t plain = tarn_find_any(rest.data(), rest.size(), &kEscaped);
            to = room(text(to, rest.substr(0, plain)));
            if (plain == rest.size()) return to;
            to = write(to, language::escape_in_c(rest[plain]));
            rest.remove_prefix(plain + 1);
        }
    }

    char* binary(char* to, const Binary& given) {
        if (given.left->type == Type::kText) return binary_of_texts(to, given);
        to = expression(write(to, '('), *given.left);
        to = write(to, kSigns[static_cast<size_t>(given.sign) - static_cast<size_t>(Kind::kOr)]);
        return close(expression(to, *given.right));
    }

    char* binary_of_texts(char* to, const Binary& given) {
        if (given.sign == Kind::kPlus)
            to = write(to, "text_join(");
        else
            to = given.sign == Kind::kEqual ? write(to, "text_equal(") : write(to, "!text_equal(");
        to = write(expression(to, *given.left), ", ");
        return close(expression(to, *given.right));
    }

    char* call(char* to, const Call& given) {
        to = write(name(to, *given.definition), '(');
        for (uint32_t i = 0; i < given.count; ++i) {
            if (i) to = write(to, ", ");
            to = expression(to, *given.arguments[i]);
        }
        return close(to);
    }

    Output& out_;
    size_t depth_ = 0;
};

}  // namespace

std::string_view emit(const File& file, Output& output) {
    const char* const end = Emitter(output).run(file);
    return {output.begin(), static_cast<size_t>(end - output.begin())};
}

}  // namespace with_tarn
