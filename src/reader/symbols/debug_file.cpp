// SPDX-License-Identifier: MIT
#include "reader/symbols/debug_file.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "reader/symbols/demangle.h"

namespace tarn::reader {
namespace {

char* debug_path = nullptr;  // elfutils' own: ":.debug:/usr/lib/debug"

const Dwfl_Callbacks kCallbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = &debug_path,
};

struct Free {
    void operator()(void* memory) const { std::free(memory); }
};
using Scopes = std::unique_ptr<Dwarf_Die, Free>;

std::string text_of(Dwarf_Die* die, unsigned name) {
    Dwarf_Attribute attribute;
    const char* text = dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
    return text ? text : "";
}

uint32_t number_of(Dwarf_Die* die, unsigned name) {
    Dwarf_Attribute attribute;
    Dwarf_Word number = 0;
    if (dwarf_formudata(dwarf_attr_integrate(die, name, &attribute), &number) != 0 || number > UINT32_MAX)
        return 0;
    return static_cast<uint32_t>(number);
}

// The namespaces and classes that a function without a name for the linker is in: "orchard::(anonymous namespace)::".
std::string scopes_of(Dwarf_Die* function) {
    Dwarf_Attribute attribute;
    Dwarf_Die place = *function;
    for (unsigned to : {DW_AT_abstract_origin, DW_AT_specification})
        if (dwarf_attr(&place, to, &attribute)) dwarf_formref_die(&attribute, &place);
    Dwarf_Die* found = nullptr;
    int count = dwarf_getscopes_die(&place, &found);
    Scopes scopes(found);
    std::string names;
    for (int i = 1; i < count; ++i) {
        Dwarf_Die* scope = &scopes.get()[i];
        int tag = dwarf_tag(scope);
        if (tag != DW_TAG_namespace && tag != DW_TAG_class_type && tag != DW_TAG_structure_type) continue;
        const char* name = dwarf_diename(scope);
        names = (name                      ? name
                 : tag == DW_TAG_namespace ? "(anonymous namespace)"
                                           : "(anonymous)") +
                ("::" + names);
    }
    return names;
}

Line function_of(Dwarf_Die* die) {
    Line line;
    line.symbol = text_of(die, DW_AT_linkage_name);
    if (line.symbol.empty()) line.symbol = text_of(die, DW_AT_MIPS_linkage_name);
    std::string name = text_of(die, DW_AT_name);
    if (!line.symbol.empty())
        line.function = demangled(line.symbol);
    else if (!name.empty())
        line.function = scopes_of(die) + name;
    if (line.symbol.empty()) line.symbol = name;
    line.first_line = number_of(die, DW_AT_decl_line);
    return line;
}

// Absolute where the compiler was in a directory that is; without the "x/.." of those that look for headers beside
// themselves.
std::string plain_path(const std::string& directory, const char* file) {
    if (!file) return "";
    std::filesystem::path path(file);
    if (path.is_relative() && directory[0] == '/') path = directory / path;
    return path.lexically_normal().string();
}

// A compile unit's addresses, for files without .debug_aranges (clang and rustc write none).
struct Range {
    Dwarf_Addr begin, end;
    Dwarf_Die unit;
};

bool before(const Range& a, const Range& b) {
    return a.begin < b.begin;
}

std::vector<Range> ranges_of_units(Dwfl_Module* module) {
    std::vector<Range> ranges;
    Dwarf_Addr bias = 0;
    for (Dwarf_Die* unit = nullptr; (unit = dwfl_module_nextcu(module, unit, &bias)) != nullptr;) {
        Dwarf_Addr base, begin, end;
        for (ptrdiff_t offset = 0; (offset = dwarf_ranges(unit, offset, &base, &begin, &end)) > 0;)
            if (begin < end) ranges.push_back({begin + bias, end + bias, *unit});
    }
    std::sort(ranges.begin(), ranges.end(), before);
    return ranges;
}

}  // namespace

struct DebugFile::Open {
    Dwfl* session = nullptr;
    Dwfl_Module* module = nullptr;
    bool ranges_read = false;
    std::vector<Range> ranges;

    ~Open() {
        if (session) dwfl_end(session);
    }

    // A die of the compile unit at `address`; its addresses are lower by `bias`.
    Dwarf_Die* unit_at(Dwarf_Addr address, Dwarf_Addr* bias) {
        if (Dwarf_Die* unit = dwfl_module_addrdie(module, address, bias)) return unit;
        if (!dwfl_module_getdwarf(module, bias)) return nullptr;
        if (!ranges_read) ranges = ranges_of_units(module);
        ranges_read = true;
        auto next = std::upper_bound(ranges.begin(), ranges.end(), Range{address, 0, {}}, before);
        if (next == ranges.begin() || address >= std::prev(next)->end) return nullptr;
        return &std::prev(next)->unit;
    }

    // The functions at `address`, the innermost first, and what each was called from.
    std::vector<Line> functions_at(Dwarf_Addr address);
    void add_symbol(Dwarf_Addr address, std::vector<Line>* lines) const;
};

std::vector<Line> DebugFile::Open::functions_at(Dwarf_Addr address) {
    Dwarf_Addr bias = 0;
    Dwarf_Die* unit = unit_at(address, &bias);
    if (!unit) return {};
    std::vector<Line> lines;
    const char* file = nullptr;
    int number = 0;
    if (Dwarf_Line* row = dwarf_getsrc_die(unit, address - bias)) {
        file = dwarf_linesrc(row, nullptr, nullptr);
        dwarf_lineno(row, &number);
    }
    std::string directory = text_of(unit, DW_AT_comp_dir);
    // Where a unit was split, its functions are in the other file.
    Dwarf_Die split = {};
    uint8_t kind = 0;
    if (dwarf_cu_info(unit->cu, nullptr, &kind, nullptr, &split, nullptr, nullptr, nullptr) == 0 &&
        kind == DW_UT_skeleton && split.addr)
        unit = &split;
    Dwarf_Die* found = nullptr;
    int count = dwarf_getscopes(unit, address - bias, &found);
    Scopes innermost(found);
    if (count <= 0) return {};
    // The scopes of an inlined function go on with those of its definition; those around its place are wanted.
    Dwarf_Die place = innermost.get()[0];
    found = nullptr;
    count = dwarf_getscopes_die(&place, &found);
    Scopes scopes(found);
    Dwarf_Files* files = nullptr;
    if (dwarf_getsrcfiles(unit, &files, nullptr) != 0) files = nullptr;
    for (int i = 0; i < count; ++i) {
        Dwarf_Die* die = &scopes.get()[i];
        int tag = dwarf_tag(die);
        if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
        Line line = function_of(die);
        line.file = plain_path(directory, file);
        line.line = static_cast<uint32_t>(std::max(number, 0));
        lines.push_back(std::move(line));
        if (tag == DW_TAG_subprogram) break;
        file = files ? dwarf_filesrc(files, number_of(die, DW_AT_call_file), nullptr, nullptr) : nullptr;
        number = static_cast<int>(number_of(die, DW_AT_call_line));
    }
    if (lines.empty() && file) {  // assembler has lines and no functions
        lines.emplace_back();
        lines[0].file = plain_path(directory, file);
        lines[0].line = static_cast<uint32_t>(std::max(number, 0));
    }
    return lines;
}

// Names the outermost function by the symbol table, where the debug information does not.
void DebugFile::Open::add_symbol(Dwarf_Addr address, std::vector<Line>* lines) const {
    if (!lines->empty() && !lines->back().function.empty()) return;
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char* name = dwfl_module_addrinfo(module, address, &offset, &symbol, nullptr, nullptr, nullptr);
    if (!name || !*name) return;
    if (lines->empty()) lines->emplace_back();
    lines->back().symbol = name;
    lines->back().function = demangled(name);
}

DebugFile::DebugFile(const std::string& path, const std::string& build_id) : open_(std::make_unique<Open>()) {
    struct stat status;
    int file = -1;
    if (path[0] == '/' && stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode))
        file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        missing_ = "not there any more, or not to be read";
        return;
    }
    open_->session = dwfl_begin(&kCallbacks);
    if (open_->session)
        open_->module = dwfl_report_elf(open_->session, path.c_str(), path.c_str(), file, 0, true);
    if (!open_->module) {
        close(file);
        missing_ = "not an ELF file";
        return;
    }
    dwfl_report_end(open_->session, nullptr, nullptr);
    const unsigned char* id = nullptr;
    GElf_Addr place;
    int length = dwfl_module_build_id(open_->module, &id, &place);
    std::string its_id(reinterpret_cast<const char*>(id), length > 0 ? static_cast<size_t>(length) : 0);
    if (!build_id.empty() && its_id != build_id) {
        open_->module = nullptr;
        missing_ = "another file by now: its build id differs";
    }
}

DebugFile::~DebugFile() = default;

std::vector<Line> DebugFile::at(uint64_t address) {
    if (!open_->module) return {};
    std::vector<Line> lines = open_->functions_at(address);
    open_->add_symbol(address, &lines);
    return lines;
}

}  // namespace tarn::reader
