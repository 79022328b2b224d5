// SPDX-License-Identifier: MIT
// C of one file, appended to one text.
#include <charconv>

#include "plain/passes.h"

namespace plain {
namespace {

using language::in_c;

class Emitter {
  public:
    explicit Emitter(const File& file) : file_(file) {}

    std::string run() {
        out_.reserve(16 << 10);
        out_ += "/* module ";
        out_ += file_.name;
        out_ += " */\n#include \"runtime.h\"\n";
        for (const Import& import : file_.imports) {
            out_ += "#include \"";
            out_ += import.name;
            out_ += ".h\"\n";
        }
        for (const std::unique_ptr<Global>& global : file_.globals)
            declaration(*global);
        for (const std::unique_ptr<Global>& global : file_.globals)
            if (global->is == Definition::Is::kFunction) function(static_cast<const Function&>(*global));
        return std::move(out_);
    }

  private:
    void number(int64_t value) {
        char digits[24];
        out_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    }
    void indent() { out_.append(4 * depth_, ' '); }

    void global_name(const Global& global) { out_ += global.name_in_c; }
    void variable_name(const Variable& variable) { out_ += variable.name_in_c; }
    void variable_head(const Variable& variable) {
        out_ += in_c(variable.type);
        out_ += ' ';
        variable_name(variable);
    }

    void declaration(const Global& global) {
        if (global.is == Definition::Is::kFunction) {
            head(static_cast<const Function&>(global));
            out_ += ";\n";
            return;
        }
        docs(global);
        if (!global.exported) out_ += "static ";
        out_ += "const ";
        out_ += in_c(global.type);
        out_ += ' ';
        global_name(global);
        out_ += " = ";
        expression(*static_cast<const Constant&>(global).value);
        out_ += ";\n";
    }

    void docs(const Global& global) {
        for (const std::string& doc : global.docs) {
            out_ += "//";
            out_ += doc;
            out_ += '\n';
        }
    }

    void head(const Function& function) {
        if (!function.exported) out_ += "static ";
        out_ += in_c(function.type);
        out_ += ' ';
        global_name(function);
        out_ += '(';
        bool first = true;
        for (const std::unique_ptr<Variable>& parameter : function.parameters) {
            if (!first) out_ += ", ";
            first = false;
            variable_head(*parameter);
        }
        out_ += first ? "void)" : ")";
    }

    void function(const Function& function) {
        out_ += '\n';
        docs(function);
        head(function);
        block(function.body);
        out_ += '\n';
    }

    // Without a newline after it.
    void block(const Block& statements) {
        out_ += " {\n";
        ++depth_;
        for (const StatementPointer& each : statements) {
            indent();
            statement(*each);
            out_ += '\n';
        }
        --depth_;
        indent();
        out_ += '}';
    }

    void statement(const Statement& given) {
        switch (given.is) {
            case Statement::Is::kDeclaration:
                return local(static_cast<const Declaration&>(given));
            case Statement::Is::kAssignment:
                return assignment(static_cast<const Assignment&>(given));
            case Statement::Is::kCall:
                expression(*static_cast<const CallStatement&>(given).call);
                out_ += ';';
                return;
            case Statement::Is::kIf:
                return branch(static_cast<const If&>(given));
            case Statement::Is::kWhile:
                return loop(static_cast<const While&>(given));
            case Statement::Is::kFor:
                return counted_loop(static_cast<const For&>(given));
            case Statement::Is::kReturn:
                return result(static_cast<const Return&>(given));
            case Statement::Is::kPrint:
                return print(static_cast<const Print&>(given));
            case Statement::Is::kBreak:
                out_ += "break;";
                return;
            case Statement::Is::kContinue:
                out_ += "continue;";
                return;
        }
    }

    void local(const Declaration& given) {
        if (given.variable.mutability == language::Mutability::kLet) out_ += "const ";
        variable_head(given.variable);
        out_ += " = ";
        expression(*given.value);
        out_ += ';';
    }

    void assignment(const Assignment& given) {
        variable_name(*given.variable);
        out_ += " = ";
        expression(*given.value);
        out_ += ';';
    }

    void branch(const If& given) {
        out_ += "if (";
        expression(*given.condition);
        out_ += ')';
        block(given.then);
        if (given.otherwise.empty()) return;
        out_ += " else";
        block(given.otherwise);
    }

    void loop(const While& given) {
        out_ += "while (";
        expression(*given.condition);
        out_ += ')';
        block(given.body);
    }

    // for (int64_t i_3 = FROM, i_3_end = TO; i_3 < i_3_end; ++i_3)
    void counted_loop(const For& given) {
        out_ += "for (";
        variable_head(given.variable);
        out_ += " = ";
        expression(*given.from);
        out_ += ", ";
        variable_name(given.variable);
        out_ += "_end = ";
        expression(*given.to);
        out_ += "; ";
        variable_name(given.variable);
        out_ += " < ";
        variable_name(given.variable);
        out_ += "_end; ++";
        variable_name(given.variable);
        out_ += ')';
        block(given.body);
    }

    void result(const Return& given) {
        out_ += "return";
        if (given.value) {
            out_ += ' ';
            expression(*given.value);
        }
        out_ += ';';
    }

    void print(const Print& given) {
        for (const ExpressionPointer& each : given.values) {
            out_ += "print_";
            out_ += language::name_of(each->type);
            out_ += '(';
            expression(*each);
            out_ += "); ";
        }
        out_ += "print_line();";
    }

    void expression(const Expression& given) {
        switch (given.is) {
            case Expression::Is::kNumber:
                return number(static_cast<const Number&>(given).value);
            case Expression::Is::kText:
                return text(static_cast<const Text&>(given).value);
            case Expression::Is::kBool:
                out_ += static_cast<const Bool&>(given).value == Kind::kTrue ? "true" : "false";
                return;
            case Expression::Is::kName:
                return name(*static_cast<const Name&>(given).definition);
            case Expression::Is::kUnary:
                return unary(static_cast<const Unary&>(given));
            case Expression::Is::kBinary:
                return binary(static_cast<const Binary&>(given));
            case Expression::Is::kCall:
                return call(static_cast<const Call&>(given));
        }
    }

    void name(const Definition& definition) {
        if (definition.is == Definition::Is::kVariable)
            return variable_name(static_cast<const Variable&>(definition));
        global_name(static_cast<const Global&>(definition));
    }

    // text_of("...", LENGTH)
    void text(const std::string& value) {
        out_ += "text_of(\"";
        for (char c : value) {
            const std::string_view escape = language::escape_in_c(c);
            if (escape.empty())
                out_ += c;
            else
                out_ += escape;
        }
        out_ += "\", ";
        number(static_cast<int64_t>(value.size()));
        out_ += ')';
    }

    void unary(const Unary& given) {
        out_ += given.sign == Kind::kMinus ? "-(" : "!(";
        expression(*given.operand);
        out_ += ')';
    }

    void binary(const Binary& given) {
        if (given.left->type == Type::kText) return binary_of_texts(given);
        out_ += '(';
        expression(*given.left);
        out_ += language::operator_of(given.sign).sign;
        expression(*given.right);
        out_ += ')';
    }

    void binary_of_texts(const Binary& given) {
        out_ += given.sign == Kind::kPlus    ? "text_join("
                : given.sign == Kind::kEqual ? "text_equal("
                                             : "!text_equal(";
        expression(*given.left);
        out_ += ", ";
        expression(*given.right);
        out_ += ')';
    }

    void call(const Call& given) {
        global_name(static_cast<const Global&>(*given.definition));
        out_ += '(';
        bool first = true;
        for (const ExpressionPointer& argument : given.arguments) {
            if (!first) out_ += ", ";
            first = false;
            expression(*argument);
        }
        out_ += ')';
    }

    const File& file_;
    std::string out_;
    size_t depth_ = 0;
};

}  // namespace

std::string emit(const File& file) {
    return Emitter(file).run();
}

}  // namespace plain
