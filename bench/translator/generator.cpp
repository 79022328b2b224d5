// SPDX-License-Identifier: MIT
// First the signatures of all functions of the project are drawn, so that files can call each other's; then
// each file is written. Sizes are those of hand-written code: 100 to 200 lines, names of one to three words,
// two thirds of the lines with code, most names used again and again.
#include "generator.h"

#include <string>
#include <unordered_set>

#include "language.h"
#include "support.h"
#include "words.h"

namespace translator {
namespace {

using bench::Random;
using language::Type;

struct Signature {
    std::string name;
    std::vector<Type> parameters;
    Type result;
    bool exported;
};

struct Module {
    std::string name;
    std::vector<size_t> imports;
    std::vector<Signature> functions;
    std::string constant;
};

class Names {
  public:
    explicit Names(Random& random) : random_(random) {}

    template <class Words>
    std::string_view one_of(const Words& words) {
        return words[random_.below(words.size())];
    }
    // Few words are frequent, as in real code.
    template <class Words>
    std::string_view often_one_of(const Words& words) {
        return words[random_.below(1 + random_.below(words.size()))];
    }
    std::string variable() {
        switch (random_.below(8)) {
            case 0:
                return std::string(one_of(words::kLetters));
            case 1:
            case 2:
            case 3:
                return std::string(often_one_of(words::kNouns));
            case 4:
                return joined(often_one_of(words::kAdjectives), often_one_of(words::kNouns)) + "_" +
                       std::string(often_one_of(words::kNouns));
            default:
                return joined(often_one_of(words::kAdjectives), often_one_of(words::kNouns));
        }
    }
    std::string function() {
        std::string name = joined(one_of(words::kVerbs), one_of(words::kNouns));
        if (random_.below(2)) name = joined(name, one_of(words::kNouns));
        return name;
    }
    std::string joined(std::string_view first, std::string_view second) {
        return std::string(first).append("_").append(second);
    }

  private:
    Random& random_;
};

struct Local {
    std::string name;
    Type type;
    bool writable;
};

// Writes one file.
class Writer {
  public:
    Writer(Random& random, const std::vector<Module>& modules, const Module& module)
        : random_(random), names_(random), modules_(modules), module_(module) {}

    std::string write() {
        out_ = "// " + sentence(8) + "\nmodule " + module_.name + ";\n\n";
        for (size_t import : module_.imports)
            out_ += "import " + modules_[import].name + ";\n";
        out_ += "\nexport const " + module_.constant + ": int = " + number() + ";\n";
        for (const Signature& function : module_.functions)
            write_function(function);
        return std::move(out_);
    }

  private:
    void line(const std::string& text) { out_.append(4 * depth_, ' ').append(text).append("\n"); }

    std::string sentence(size_t words) {
        std::string text(names_.one_of(words::kVerbs));
        for (size_t i = 0; i < words; ++i)
            text.append(" ").append(i % 3 == 2 ? "of the " : "").append(names_.one_of(words::kNouns));
        return text + ".";
    }
    std::string number() { return std::to_string(random_.below(random_.below(4) ? 100 : 1000000)); }
    std::string type() { return std::string(language::name_of(any_type())); }
    Type any_type() {
        return random_.below(5) < 3 ? Type::kInt : random_.below(2) ? Type::kText : Type::kBool;
    }

    bool taken(const std::string& name, size_t from) const {
        for (size_t i = from; i < locals_.size(); ++i)
            if (locals_[i].name == name) return true;
        return false;
    }
    // Shadowing a name of an outer block is allowed, and rare.
    std::string new_name() {
        const size_t from = random_.below(20) ? 0 : block_;
        std::string name = names_.variable();
        while (taken(name, from))
            name = names_.variable();
        return name;
    }
    const Local* pick(Type type, bool writable) {
        const Local* found = nullptr;
        size_t seen = 0;
        for (const Local& local : locals_)
            if (local.type == type && (local.writable || !writable) && random_.below(++seen) == 0)
                found = &local;
        return found && is_visible(*found) ? found : nullptr;
    }
    bool is_visible(const Local& local) const {
        for (const Local* other = &local + 1; other != locals_.data() + locals_.size(); ++other)
            if (other->name == local.name) return false;
        return true;
    }

    const Signature* callee(Type result) {
        const bool own = module_.imports.empty() || random_.below(2);
        const Module& from = own ? module_ : modules_[module_.imports[random_.below(module_.imports.size())]];
        const Signature& function = from.functions[random_.below(from.functions.size())];
        return function.result == result && (own || function.exported) ? &function : nullptr;
    }
    std::string call(const Signature& function, int depth) {
        std::string text = function.name + "(";
        for (size_t i = 0; i < function.parameters.size(); ++i)
            text.append(i ? ", " : "").append(sum(function.parameters[i], depth + 2));
        return text + ")";
    }

    std::string literal(Type type) {
        if (type == Type::kInt) return number();
        if (type == Type::kBool) return random_.below(2) ? "true" : "false";
        std::string text = "\"" + sentence(1 + random_.below(4));
        if (random_.below(4) == 0) text += random_.below(2) ? "\\n" : " \\\"" + names_.variable() + "\\\"";
        return text + "\"";
    }
    std::string sum(Type type, int depth) {
        if (random_.below(6) == 0)
            if (const Signature* function = callee(type)) return call(*function, depth);
        if (depth < 3 && random_.below(2)) return operation(type, depth + 1);
        if (type == Type::kInt && random_.below(12) == 0) return module_.constant;
        const Local* local = random_.below(5) ? pick(type, false) : nullptr;
        return local ? local->name : literal(type);
    }
    std::string operation(Type type, int depth) {
        if (type == Type::kText) return sum(type, depth) + " + " + sum(type, depth);
        if (type == Type::kInt) {
            static constexpr std::array<const char*, 5> kSigns = {" + ", " + ", " - ", " * ", " % "};
            const std::string text =
                sum(type, depth) + kSigns[random_.below(kSigns.size())] + sum(type, depth);
            return random_.below(3) ? text : "(" + text + ")";
        }
        static constexpr std::array<const char*, 4> kSigns = {" < ", " >= ", " == ", " != "};
        switch (random_.below(4)) {
            case 0:
                return "!(" + sum(Type::kBool, depth) + ")";
            case 1:
                return "(" + sum(type, depth) + ")" + (random_.below(2) ? " && " : " || ") + "(" +
                       sum(type, depth) + ")";
            default:
                return sum(Type::kInt, 3) + kSigns[random_.below(kSigns.size())] + sum(Type::kInt, 3);
        }
    }

    void write_function(const Signature& function) {
        line("");
        line("/// " + sentence(4 + random_.below(8)));
        locals_.clear();
        block_ = 0;
        std::string head = std::string(function.exported ? "export " : "") + "fn " + function.name + "(";
        for (size_t i = 0; i < function.parameters.size(); ++i) {
            std::string name = new_name();
            head.append(i ? ", " : "")
                .append(name)
                .append(": ")
                .append(language::name_of(function.parameters[i]));
            locals_.push_back({std::move(name), function.parameters[i], false});
        }
        head += ")";
        if (function.result != Type::kNone) head.append(": ").append(language::name_of(function.result));
        line(head + " {");
        result_ = function.result;
        block(2 + random_.below(6), false);
    }

    // The part after "{", and "}" with it.
    void block(size_t statements, bool in_loop) {
        const size_t outer = block_;
        const size_t kept = locals_.size();
        block_ = depth_ == 0 ? 0 : kept;
        ++depth_;
        for (size_t i = 0; i < statements; ++i)
            statement(in_loop);
        if (depth_ == 1 && result_ != Type::kNone) line("return " + sum(result_, 1) + ";");
        --depth_;
        locals_.resize(kept);
        block_ = outer;
        line("}");
    }

    void statement(bool in_loop) {
        if (random_.below(8) == 0) line("// " + sentence(3 + random_.below(6)));
        switch (depth_ < 4 ? random_.below(14) : random_.below(9)) {
            case 0:
            case 1:
            case 2:
            case 3:
                return declaration();
            case 4:
            case 5:
                return assignment();
            case 6:
                return line("print " + sum(any_type(), 1) + ", " + sum(any_type(), 2) + ";");
            case 7:
            case 8:
                if (const Signature* function = callee(any_type())) return line(call(*function, 1) + ";");
                return assignment();
            case 9:
                return loop();
            case 10:
                return counted_loop();
            default:
                return branch(in_loop);
        }
    }
    void declaration() {
        const Type type = any_type();
        const bool writable = random_.below(3) > 0;
        const std::string value = sum(type, 0);
        std::string name = new_name();
        line(std::string(writable ? "var " : "let ") + name +
             (random_.below(2) ? ": " + std::string(language::name_of(type)) : "") + " = " + value + ";");
        locals_.push_back({std::move(name), type, writable});
    }
    void assignment() {
        const Type type = any_type();
        if (const Local* local = pick(type, true)) return line(local->name + " = " + sum(type, 0) + ";");
        declaration();
    }
    void loop() {
        line("while " + operation(Type::kBool, 2) + " {");
        block(1 + random_.below(4), true);
    }
    void counted_loop() {
        std::string name = new_name();
        line("for " + name + " in " + sum(Type::kInt, 2) + " .. " + sum(Type::kInt, 2) + " {");
        locals_.push_back({std::move(name), Type::kInt, false});
        block(1 + random_.below(4), true);
        locals_.pop_back();
    }
    void branch(bool in_loop) {
        line("if " + operation(Type::kBool, 1) + " {");
        if (in_loop && random_.below(3) == 0) {
            ++depth_;
            line(random_.below(2) ? "break;" : "continue;");
            --depth_;
            line("}");
            return;
        }
        block(1 + random_.below(3), in_loop);
        if (random_.below(3)) return;
        out_.pop_back();
        out_ += " else {\n";
        block(1 + random_.below(3), in_loop);
    }

    Random& random_;
    Names names_;
    const std::vector<Module>& modules_;
    const Module& module_;
    std::string out_;
    std::vector<Local> locals_;
    size_t block_ = 0;  // first local of the innermost block
    size_t depth_ = 0;
    Type result_ = Type::kNone;
};

class Planner {
  public:
    Planner(Random& random, size_t files) : random_(random), names_(random), modules_(files) {}

    std::vector<Module> plan() {
        for (Module& module : modules_) {
            module.name = unique(
                [&] { return names_.joined(names_.one_of(words::kNouns), names_.one_of(words::kNouns)); });
            module.constant = unique([&] { return names_.variable() + "_bound"; });
            module.functions.resize(4 + random_.below(5));
            for (Signature& function : module.functions)
                function = signature();
        }
        for (size_t i = 0; i < modules_.size(); ++i)
            import(i);
        return std::move(modules_);
    }

  private:
    template <class Make>
    std::string unique(Make make) {
        std::string name = make();
        for (size_t i = 2; !taken_.insert(name).second; ++i)
            name = make() + "_" + std::to_string(1 + i / 4);
        return name;
    }
    Signature signature() {
        static constexpr std::array<Type, 6> kTypes = {Type::kInt,  Type::kInt,  Type::kInt,
                                                       Type::kText, Type::kBool, Type::kNone};
        Signature drawn;
        drawn.name = unique([&] { return names_.function(); });
        for (size_t i = random_.below(5); i > 0; --i)
            drawn.parameters.push_back(kTypes[random_.below(5)]);
        drawn.result = kTypes[random_.below(6)];
        drawn.exported = random_.below(2);
        return drawn;
    }
    void import(size_t index) {
        const size_t wanted = modules_.size() < 2 ? 0 : 1 + random_.below(6);
        std::unordered_set<size_t> chosen{index};
        for (size_t i = 0; i < wanted; ++i) {
            const size_t other = random_.below(modules_.size());
            if (chosen.insert(other).second) modules_[index].imports.push_back(other);
        }
    }

    Random& random_;
    Names names_;
    std::vector<Module> modules_;
    std::unordered_set<std::string> taken_;
};

}  // namespace

std::vector<Source> generate(size_t files, uint64_t seed) {
    Random random(seed);
    const std::vector<Module> modules = Planner(random, files).plan();
    std::vector<Source> sources;
    sources.reserve(files);
    for (const Module& module : modules)
        sources.emplace_back(Writer(random, modules, module).write());
    return sources;
}

}  // namespace translator
