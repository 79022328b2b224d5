// SPDX-License-Identifier: MIT
// C of one file.
#include "tarn/scan.h"
#include "with_tarn/passes.h"

namespace with_tarn {
namespace {

using language::in_c;

// What C writes with an escape.
const tarn_byte_set kEscaped = [] {
    tarn_byte_set made;
    tarn_byte_set_make(&made, "\"\\\n\t", 4);
    return made;
}();

class Emitter {
  public:
    Emitter(const File& file, Output& output) : file_(file), out_(output) {}

    void run() {
        out_.literal("/* module ");
        out_.text(text_of(file_.name));
        out_.literal(" */\n#include \"runtime.h\"\n");
        for (const Import* import = file_.imports; import; import = import->next) {
            out_.literal("#include \"");
            out_.text(text_of(import->name));
            out_.literal(".h\"\n");
        }
        for (const Global* global = file_.globals; global; global = global->next) declaration(*global);
        for (const Global* global = file_.globals; global; global = global->next)
            if (global->is == Definition::Is::kFunction) function(static_cast<const Function&>(*global));
    }

  private:
    void indent() { out_.spaces(4 * depth_); }

    void name(const Definition& definition) { out_.padded(definition.in_c, definition.length); }
    void variable_head(const Variable& variable) {
        out_.text(in_c(variable.type));
        out_.letter(' ');
        name(variable);
    }

    void declaration(const Global& global) {
        if (global.is == Definition::Is::kFunction) {
            head(static_cast<const Function&>(global));
            out_.literal(";\n");
            return;
        }
        docs(global);
        if (!global.exported) out_.literal("static ");
        out_.literal("const ");
        out_.text(in_c(global.type));
        out_.letter(' ');
        name(global);
        out_.literal(" = ");
        expression(*static_cast<const Constant&>(global).value);
        out_.literal(";\n");
    }

    void docs(const Global& global) {
        for (const Doc* doc = global.docs; doc; doc = doc->next) {
            out_.literal("//");
            out_.text(doc->text);
            out_.letter('\n');
        }
    }

    void head(const Function& function) {
        if (!function.exported) out_.literal("static ");
        out_.text(in_c(function.type));
        out_.letter(' ');
        name(function);
        out_.letter('(');
        for (uint32_t i = 0; i < function.count; ++i) {
            if (i) out_.literal(", ");
            variable_head(function.parameters[i]);
        }
        out_.text(function.count ? ")" : "void)");
    }

    void function(const Function& function) {
        out_.letter('\n');
        docs(function);
        head(function);
        block(function.body);
        out_.letter('\n');
    }

    // Without a newline after it.
    void block(const Statement* first) {
        out_.literal(" {\n");
        ++depth_;
        for (const Statement* each = first; each; each = each->next) {
            indent();
            statement(*each);
            out_.letter('\n');
        }
        --depth_;
        indent();
        out_.letter('}');
    }

    void statement(const Statement& given) {
        switch (given.is) {
            case Statement::Is::kDeclaration: return local(static_cast<const Declaration&>(given));
            case Statement::Is::kAssignment: return assignment(static_cast<const Assignment&>(given));
            case Statement::Is::kCall:
                call(*static_cast<const CallStatement&>(given).call);
                out_.letter(';');
                return;
            case Statement::Is::kIf: return branch(static_cast<const If&>(given));
            case Statement::Is::kWhile: return loop(static_cast<const While&>(given));
            case Statement::Is::kFor: return counted_loop(static_cast<const For&>(given));
            case Statement::Is::kReturn: return result(static_cast<const Return&>(given));
            case Statement::Is::kPrint: return print(static_cast<const Print&>(given));
            case Statement::Is::kBreak: return out_.literal("break;");
            case Statement::Is::kContinue: return out_.literal("continue;");
        }
    }

    void local(const Declaration& given) {
        if (given.variable.mutability == language::Mutability::kLet) out_.literal("const ");
        variable_head(given.variable);
        out_.literal(" = ");
        expression(*given.value);
        out_.letter(';');
    }

    void assignment(const Assignment& given) {
        name(*given.variable);
        out_.literal(" = ");
        expression(*given.value);
        out_.letter(';');
    }

    void branch(const If& given) {
        out_.literal("if (");
        expression(*given.condition);
        out_.letter(')');
        block(given.then);
        if (!given.otherwise) return;
        out_.literal(" else");
        block(given.otherwise);
    }

    void loop(const While& given) {
        out_.literal("while (");
        expression(*given.condition);
        out_.letter(')');
        block(given.body);
    }

    // for (int64_t i_3 = FROM, i_3_end = TO; i_3 < i_3_end; ++i_3)
    void counted_loop(const For& given) {
        out_.literal("for (");
        variable_head(given.variable);
        out_.literal(" = ");
        expression(*given.from);
        out_.literal(", ");
        name(given.variable);
        out_.literal("_end = ");
        expression(*given.to);
        out_.literal("; ");
        name(given.variable);
        out_.literal(" < ");
        name(given.variable);
        out_.literal("_end; ++");
        name(given.variable);
        out_.letter(')');
        block(given.body);
    }

    void result(const Return& given) {
        out_.literal("return");
        if (given.value) {
            out_.letter(' ');
            expression(*given.value);
        }
        out_.letter(';');
    }

    void print(const Print& given) {
        for (uint32_t i = 0; i < given.count; ++i) {
            out_.literal("print_");
            out_.text(language::name_of(given.values[i]->type));
            out_.letter('(');
            expression(*given.values[i]);
            out_.literal("); ");
        }
        out_.literal("print_line();");
    }

    void expression(const Expression& given) {
        switch (given.is) {
            case Expression::Is::kNumber: return out_.number(static_cast<uint64_t>(static_cast<const Number&>(given).value));
            case Expression::Is::kText: return text(static_cast<const Text&>(given));
            case Expression::Is::kBool: return out_.text(given.sign == Kind::kTrue ? "true" : "false");
            case Expression::Is::kName: return name(*static_cast<const Name&>(given).definition);
            case Expression::Is::kUnary: return unary(static_cast<const Unary&>(given));
            case Expression::Is::kBinary: return binary(static_cast<const Binary&>(given));
            case Expression::Is::kCall: return call(static_cast<const Call&>(given));
        }
    }

    // text_of("...", LENGTH)
    void text(const Text& given) {
        out_.literal("text_of(\"");
        std::string_view rest(given.text, given.length);
        for (;;) {
            const size_t plain = tarn_find_any(rest.data(), rest.size(), &kEscaped);
            out_.text(rest.substr(0, plain));
            if (plain == rest.size()) break;
            out_.text(language::escape_in_c(rest[plain]));
            rest.remove_prefix(plain + 1);
        }
        out_.literal("\", ");
        out_.number(given.length);
        out_.letter(')');
    }

    void unary(const Unary& given) {
        out_.letter(given.sign == Kind::kMinus ? '-' : '!');
        out_.letter('(');
        expression(*given.operand);
        out_.letter(')');
    }

    void binary(const Binary& given) {
        if (given.left->type == Type::kText) return binary_of_texts(given);
        out_.letter('(');
        expression(*given.left);
        out_.text(language::operator_of(given.sign).sign);
        expression(*given.right);
        out_.letter(')');
    }

    void binary_of_texts(const Binary& given) {
        if (given.sign == Kind::kPlus) {
            out_.literal("text_join(");
        } else {
            out_.text(given.sign == Kind::kEqual ? "text_equal(" : "!text_equal(");
        }
        expression(*given.left);
        out_.literal(", ");
        expression(*given.right);
        out_.letter(')');
    }

    void call(const Call& given) {
        name(*given.definition);
        out_.letter('(');
        for (uint32_t i = 0; i < given.count; ++i) {
            if (i) out_.literal(", ");
            expression(*given.arguments[i]);
        }
        out_.letter(')');
    }

    const File& file_;
    Output& out_;
    size_t depth_ = 0;
};

}  // namespace

void emit(const File& file, Output& output) {
    output.clear();
    Emitter(file, output).run();
}

}  // namespace with_tarn
