// SPDX-License-Identifier: MIT
// What names stand for, and types.
#include "faults.h"
#include "with_tarn/passes.h"

namespace with_tarn {
namespace {

using translator::fail;

class Resolver {
  public:
    Resolver(File& file, const Project& project, Worker& worker)
        : file_(file), project_(project), arena_(worker.arena), scopes_(worker.scopes) {}

    void run() {
        for (Import* import = file_.imports; import; import = import->next) {
            import->file = project_.modules.get(import->name);
            if (!import->file) fail(import->at, translator::kNoModule, text_of(import->name));
        }
        scopes_.clear();
        for (Global* global = file_.globals; global; global = global->next)
            scopes_.declare(global);
        for (Global* global = file_.globals; global; global = global->next) {
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
                fail(value.at, translator::kNotConstant, text_of(static_cast<const Call&>(value).name));
            default:
                return;
        }
    }

    void function(Function& global) {
        numbers_ = 0;
        result_ = global.type;
        const size_t mark = scopes_.enter();
        for (uint32_t i = 0; i < global.count; ++i)
            declare(global.parameters[i]);
        block(global.body);
        scopes_.leave(mark);
    }

    void declare(Variable& variable) {
        if (!scopes_.declare(&variable)) fail(variable.at, translator::kTwice, text_of(variable.name));
        const size_t length = variable.length;
        char* const text = padded_room(arena_, length + 11);
        char* const end = write(write_padded(text, variable.in_c, length), '_');
        variable.in_c = text;
        variable.length = static_cast<uint32_t>(write_number(end, numbers_++) - text);
    }

    const Definition* find(const Interned* name, uint32_t at) const {
        if (const Definition* found = scopes_.find(name)) return found;
        return find_exported(name, at);
    }
    const Definition* find_exported(const Interned* name, uint32_t at) const {
        const Global* const found = project_.exports.get(name);
        if (!found) fail(at, translator::kUnknownName, text_of(name));
        for (const Import* import = file_.imports; import; import = import->next)
            if (import->file == found->file) return found;
        fail(at, translator::kNotImported, text_of(name));
    }

    void block(Statement* first) {
        const size_t mark = scopes_.enter();
        for (Statement* each = first; each; each = each->next)
            statement(*each);
        scopes_.leave(mark);
    }

    void statement(Statement& given) {
        switch (given.is) {
            case Statement::Is::kDeclaration:
                return declaration(static_cast<Declaration&>(given));
            case Statement::Is::kAssignment:
                return assignment(static_cast<Assignment&>(given));
            case Statement::Is::kCall:
                call(*static_cast<CallStatement&>(given).call);
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
                return print(static_cast<Print&>(given));
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
        const Definition* const found = find(given.name, given.at);
        if (found->is != Definition::Is::kVariable || found->mutability != language::Mutability::kVar)
            fail(given.at, translator::kNotVariable, text_of(given.name));
        given.variable = static_cast<const Variable*>(found);
        translator::expect_type(given.at, found->type, expression(*given.value));
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
        const size_t mark = scopes_.enter();
        declare(given.variable);
        ++loops_;
        block(given.body);
        --loops_;
        scopes_.leave(mark);
    }

    void result(Return& given) {
        if (given.value)
            translator::expect_type(given.at, result_, expression(*given.value));
        else if (result_ != Type::kNone)
            fail(given.at, translator::kNoValue);
    }

    void print(Print& given) {
        for (uint32_t i = 0; i < given.count; ++i)
            expression(*given.values[i]);
    }

    // Its type, which is not kNone.
    Type expression(Expression& given) {
        switch (given.is) {
            case Expression::Is::kWritten:
            case Expression::Is::kText:
                return given.type;
            case Expression::Is::kName:
                return name(given);
            case Expression::Is::kUnary:
                return given.type = unary(static_cast<Unary&>(given));
            case Expression::Is::kBinary:
                return given.type = binary(static_cast<Binary&>(given));
            case Expression::Is::kCall:
                break;
        }
        const Interned* const callee = static_cast<Call&>(given).name;
        given.type = call(static_cast<Call&>(given));
        if (given.type == Type::kNone) fail(given.at, translator::kNoResult, text_of(callee));
        return given.type;
    }

    Type name(Expression& given) {
        const Interned* const name = static_cast<Name&>(given).name;
        const Definition* const found = find(name, given.at);
        if (found->is == Definition::Is::kFunction) fail(given.at, translator::kNotValue, text_of(name));
        static_assert(sizeof(Written) == sizeof(Name));
        new (&given) Written{{Expression::Is::kWritten, found->type, Kind::kEnd, {.length = found->length}},
                             found->in_c};
        return found->type;
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
        const Definition* const found = find(given.name, given.at);
        if (found->is != Definition::Is::kFunction)
            fail(given.at, translator::kNotFunction, text_of(given.name));
        const Function& callee = static_cast<const Function&>(*found);
        if (given.count != callee.count) fail(given.at, translator::kArgumentCount, text_of(given.name));
        for (uint32_t i = 0; i < given.count; ++i)
            translator::expect_type(given.at, callee.parameters[i].type, expression(*given.arguments[i]));
        given.definition = found;
        return callee.type;
    }

    File& file_;
    const Project& project_;
    tarn::ArenaRef arena_;
    Scopes& scopes_;
    uint32_t numbers_ = 0;  // of the function's variables
    uint32_t loops_ = 0;    // around
    Type result_ = Type::kNone;
};

}  // namespace

void enter(Project& project, const File& file) {
    const File*& module = project.modules[project.modules.insert(file.name)].value;
    if (module) fail(file.at, translator::kModuleTwice, text_of(file.name));
    module = &file;
    for (uint32_t i = 0; i < file.export_count; ++i) {
        const auto [name, global] = file.exports[i];
        const Global*& exported = project.exports[project.exports.insert(name)].value;
        if (exported) fail(global->at, translator::kExportedTwice, text_of(name));
        exported = global;
    }
}

void resolve(File& file, const Project& project, Worker& worker) {
    Resolver(file, project, worker).run();
}

}  // namespace with_tarn
