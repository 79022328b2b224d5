// SPDX-License-Identifier: MIT
// The front end of a translator: names and types live as long as the unit, what a function needs goes with
// the function. One arena holds both.
#include <cstdio>
#include <map>
#include <memory_resource>
#include <string_view>
#include <tarn/arena.hpp>
#include <vector>

struct Type {
    std::string_view name;
    const Type* target;  // of a pointer
};

// Open files and the like have destructors; the arena runs them.
struct Listing {
    std::string_view function;
    int lines = 0;
    explicit Listing(std::string_view of) : function(of) {}
    ~Listing() { std::printf("%.*s: %d lines\n", int(function.size()), function.data(), lines); }
};

class Unit {
  public:
    const Type* type(std::string_view name) {
        if (const auto found = types_.find(name); found != types_.end()) return found->second;
        const Type* target = name.back() == '*' ? type(name.substr(0, name.size() - 1)) : nullptr;
        const Type* made = arena_.make<Type>(arena_.string(name), target);
        types_.emplace(made->name, made);
        return made;
    }

    void function(std::string_view name, std::initializer_list<std::string_view> parameters) {
        const std::string_view kept = arena_.string(name);
        for (std::string_view parameter : parameters)
            type(parameter);
        tarn::ArenaScope scope(arena_);  // from here on all is temporary
        auto* listing = arena_.make<Listing>(kept);
        std::vector<std::string_view, tarn::ArenaAllocator<std::string_view>> code{arena_};
        for (std::string_view parameter : parameters)
            code.push_back(arena_.format("  push %s", arena_.string(parameter).data()));
        code.push_back(arena_.format("  call %s", kept.data()));
        for (std::string_view line : code)
            std::printf("%s\n", line.data());
        listing->lines = int(code.size());
    }

    std::size_t types() const { return types_.size(); }
    tarn_arena_stats statistics() const { return arena_.statistics(); }

  private:
    tarn::Arena arena_;
    tarn::ArenaResource resource_{arena_};
    std::pmr::map<std::string_view, const Type*> types_{&resource_};
};

int main() {
    Unit unit;
    unit.function("length", {"char*"});
    unit.function("copy", {"char*", "char*", "int"});
    const Type* type = unit.type("char*");
    std::printf("%zu types; %s points to %s\n", unit.types(), type->name.data(), type->target->name.data());
    std::printf("%d chunk\n", int(unit.statistics().chunks));
    return 0;
}
