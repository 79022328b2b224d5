// SPDX-License-Identifier: MIT
// What names stand for, and types.
#include "faults.h"
#include "plain/passes.h"

namespace plain {
namespace {

using translator::fail;

class Resolver {
  public:
    Resolver(File& file, const Project& project) : file_(file), project_(project) {}

    void run() {
        for (Import& import : file_.imports) {
            const auto found = project_.modules.find(import.name);
            if (found == project_.modules.end()) fail(import.at, translator::kNoModule, import.name);
            import.file = found->second;
        }
        for (const std::unique_ptr<Global>& global : file_.globals) {
            if (global->is == Definition::Is::kConstant)
                constant(static_cast<Constant&>(*global));
            else
                function(static_cast<Function&>(*global));
        }
    }

  private:
    void constant(Constant& global) {
        constant_value(*global.value);
        translator::expect_type(global.at, global.type, expression(*global.value));
    }
    // Only literals, constants and operators.
    void constant_value(const Expression& value) {
        switch (value.is) {
            case Expression::Is::kUnary:
                return constant_value(*static_cast<const Unary&>(value).operand);
            case Expression::Is::kBinary:
                constant_value(*static_cast<const Binary&>(value).left);
                return constant_value(*static_cast<const Binary&>(value).right);
            case Expression::Is::kCall:
                fail(value.at, translator::kNotConstant, static_cast<const Call&>(value).name);
            default:
                return;
        }
    }

    void function(Function& global) {
        numbers_ = 0;
        result_ = global.type;
        scopes_.emplace_back();
        for (const std::unique_ptr<Variable>& parameter : global.parameters)
            declare(*parameter);
        block(global.body);
        scopes_.pop_back();
    }

    void declare(Variable& variable) {
        if (!scopes_.back().emplace(variable.name, &variable).second)
            fail(variable.at, translator::kTwice, variable.name);
        variable.name_in_c.reserve(variable.name.size() + 4);
        variable.name_in_c.append(variable.name).append("_").append(std::to_string(numbers_++));
    }

    const Definition& find(const std::string& name, uint32_t at) const {
        for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
            if (const auto found = scope->find(name); found != scope->end()) return *found->second;
        if (const auto found = file_.table.find(name); found != file_.table.end()) return *found->second;
        const auto found = project_.exports.find(name);
        if (found == project_.exports.end()) fail(at, translator::kUnknownName, name);
        for (const Import& import : file_.imports)
            if (import.file == found->second->file) return *found->second;
        fail(at, translator::kNotImported, name);
    }

    void block(Block& statements) {
        scopes_.emplace_back();
        for (const StatementPointer& each : statements)
            statement(*each);
        scopes_.pop_back();
    }

    void statement(Statement& given) {
        switch (given.is) {
            case Statement::Is::kDeclaration:
                return declaration(static_cast<Declaration&>(given));
            case Statement::Is::kAssignment:
                return assignment(static_cast<Assignment&>(given));
            case Statement::Is::kCall:
                call(static_cast<Call&>(*static_cast<CallStatement&>(given).call));
                return;
            case Statement::Is::kIf:
                return branch(static_cast<If&>(given));
            case Statement::Is::kWhile:
                return loop(static_cast<While&>(given));
            case Statement::Is::kFor:
                return counted_loop(static_cast<For&>(given));
            case Statement::Is::kReturn:
                return result(static_cast<Return&>(given));
            case Statement::Is::kPrint:
                for (const ExpressionPointer& each : static_cast<Print&>(given).values)
                    expression(*each);
                return;
            case Statement::Is::kBreak:
            case Statement::Is::kContinue:
                if (loops_ == 0)
                    fail(given.at, translator::kOutsideLoop,
                         given.is == Statement::Is::kBreak ? "break" : "continue");
        }
    }

    void declaration(Declaration& given) {
        const Type type = expression(*given.value);
        if (given.variable.type != Type::kNone) translator::expect_type(given.at, given.variable.type, type);
        given.variable.type = type;
        declare(given.variable);
    }

    void assignment(Assignment& given) {
        const Definition& found = find(given.name, given.at);
        if (found.is != Definition::Is::kVariable ||
            static_cast<const Variable&>(found).mutability != language::Mutability::kVar)
            fail(given.at, translator::kNotVariable, given.name);
        given.variable = &static_cast<const Variable&>(found);
        translator::expect_type(given.at, found.type, expression(*given.value));
    }

    void branch(If& given) {
        translator::expect_type(given.at, Type::kBool, expression(*given.condition));
        block(given.then);
        block(given.otherwise);
    }

    void loop(While& given) {
        translator::expect_type(given.at, Type::kBool, expression(*given.condition));
        ++loops_;
        block(given.body);
        --loops_;
    }

    void counted_loop(For& given) {
        translator::expect_type(given.at, Type::kInt, expression(*given.from));
        translator::expect_type(given.at, Type::kInt, expression(*given.to));
        given.variable.type = Type::kInt;
        scopes_.emplace_back();
        declare(given.variable);
        ++loops_;
        block(given.body);
        --loops_;
        scopes_.pop_back();
    }

    void result(Return& given) {
        if (given.value)
            translator::expect_type(given.at, result_, expression(*given.value));
        else if (result_ != Type::kNone)
            fail(given.at, translator::kNoValue);
    }

    // Its type, which is not kNone.
    Type expression(Expression& given) {
        switch (given.is) {
            case Expression::Is::kNumber:
                return given.type = Type::kInt;
            case Expression::Is::kText:
                return given.type = Type::kText;
            case Expression::Is::kBool:
                return given.type = Type::kBool;
            case Expression::Is::kName:
                return given.type = name(static_cast<Name&>(given));
            case Expression::Is::kUnary:
                return given.type = unary(static_cast<Unary&>(given));
            case Expression::Is::kBinary:
                return given.type = binary(static_cast<Binary&>(given));
            case Expression::Is::kCall:
                break;
        }
        given.type = call(static_cast<Call&>(given));
        if (given.type == Type::kNone) fail(given.at, translator::kNoResult, static_cast<Call&>(given).name);
        return given.type;
    }

    Type name(Name& given) {
        given.definition = &find(given.name, given.at);
        if (given.definition->is == Definition::Is::kFunction)
            fail(given.at, translator::kNotValue, given.name);
        return given.definition->type;
    }

    Type unary(Unary& given) {
        const Type expected = given.sign == Kind::kMinus ? Type::kInt : Type::kBool;
        translator::expect_type(given.at, expected, expression(*given.operand));
        return expected;
    }

    Type binary(Binary& given) {
        const Type left = expression(*given.left);
        const Type type = language::result_of(given.sign, left, expression(*given.right));
        if (type == Type::kNone)
            fail(given.at, translator::kOperands, language::operator_of(given.sign).sign);
        return type;
    }

    Type call(Call& given) {
        const Definition& found = find(given.name, given.at);
        if (found.is != Definition::Is::kFunction) fail(given.at, translator::kNotFunction, given.name);
        const Function& callee = static_cast<const Function&>(found);
        if (given.arguments.size() != callee.parameters.size())
            fail(given.at, translator::kArgumentCount, given.name);
        for (size_t i = 0; i < given.arguments.size(); ++i)
            translator::expect_type(given.at, callee.parameters[i]->type, expression(*given.arguments[i]));
        given.definition = &callee;
        return callee.type;
    }

    File& file_;
    const Project& project_;
    std::vector<std::unordered_map<std::string, const Definition*>> scopes_;
    unsigned numbers_ = 0;  // of the function's variables
    unsigned loops_ = 0;    // around
    Type result_ = Type::kNone;
};

}  // namespace

void enter(Project& project, const File& file) {
    if (!project.modules.emplace(file.name, &file).second) fail(file.at, translator::kModuleTwice, file.name);
    for (const std::unique_ptr<Global>& global : file.globals)
        if (global->exported && !project.exports.emplace(global->name, global.get()).second)
            fail(global->at, translator::kExportedTwice, global->name);
}

void resolve(File& file, const Project& project) {
    Resolver(file, project).run();
}

}  // namespace plain
