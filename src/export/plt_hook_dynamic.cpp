// SPDX-License-Identifier: MIT
// ELF: each object's PT_DYNAMIC names its import relocations (DT_JMPREL, DT_RELA), symbols and strings; the
// slot of a function is where its relocation points. Slots may be read-only after relocation (RELRO).
#include <elf.h>
#include <link.h>
#include <string.h>

#include "export/plt_hook.h"
#include "os/os.h"

namespace tarn {

namespace {

struct Hooks {
    const CallHook* first;
    size_t count;
    uint64_t skipped;  // objects that were looked at before, the first of all
    uint64_t added;    // objects that were ever loaded, as of now

    const CallHook* find(const char* name) const {
        for (size_t i = 0; i < count; ++i)
            if (name[0] == first[i].function[0] && name[1] == first[i].function[1] &&
                strcmp(name, first[i].function) == 0)
                return &first[i];
        return nullptr;
    }
};

struct Range {
    uintptr_t begin = 0, end = 0;
    bool has(uintptr_t at) const { return at >= begin && at < end; }
};
// An object, and what of it is read-only after relocation.
struct Extent {
    Range all, read_only;
};

Extent extent_of(const dl_phdr_info& object) {
    Extent extent{{UINTPTR_MAX, 0}, {}};
    for (int i = 0; i < object.dlpi_phnum; ++i) {
        const ElfW(Phdr)& header = object.dlpi_phdr[i];
        const Range range{object.dlpi_addr + header.p_vaddr,
                          object.dlpi_addr + header.p_vaddr + header.p_memsz};
        if (header.p_type == PT_GNU_RELRO) extent.read_only = range;
        if (header.p_type != PT_LOAD) continue;
        if (range.begin < extent.all.begin) extent.all.begin = range.begin;
        if (range.end > extent.all.end) extent.all.end = range.end;
    }
    return extent;
}

struct Imports {
    const ElfW(Rela) * calls = nullptr;
    size_t calls_size = 0;
    const ElfW(Rela) * others = nullptr;
    size_t others_size = 0;
    const ElfW(Sym) * symbols = nullptr;
    const char* strings = nullptr;
};

// Addresses in PT_DYNAMIC are relocated by glibc, except in the vDSO.
const char* at(const dl_phdr_info& object, ElfW(Addr) value) {
    return reinterpret_cast<const char*>(value < object.dlpi_addr ? object.dlpi_addr + value : value);
}

Imports imports_of(const dl_phdr_info& object, const ElfW(Dyn) * entry) {
    Imports imports;
    for (; entry->d_tag != DT_NULL; ++entry) {
        const ElfW(Addr) value = entry->d_un.d_val;
        if (entry->d_tag == DT_JMPREL) imports.calls = reinterpret_cast<const ElfW(Rela)*>(at(object, value));
        if (entry->d_tag == DT_PLTRELSZ) imports.calls_size = value;
        if (entry->d_tag == DT_RELA) imports.others = reinterpret_cast<const ElfW(Rela)*>(at(object, value));
        if (entry->d_tag == DT_RELASZ) imports.others_size = value;
        if (entry->d_tag == DT_SYMTAB)
            imports.symbols = reinterpret_cast<const ElfW(Sym)*>(at(object, value));
        if (entry->d_tag == DT_STRTAB) imports.strings = at(object, value);
    }
    return imports;
}

// What the dynamic linker has made read-only, whole pages, is so again afterwards.
void store(void** slot, void* value, const Extent& extent) {
    const uintptr_t page = os::page_size();
    const uintptr_t begin = reinterpret_cast<uintptr_t>(slot) & ~(page - 1);
    void* const start = reinterpret_cast<void*>(begin);
    if (!os::commit(start, page)) return;
    __atomic_store_n(slot, value, __ATOMIC_RELAXED);
    if (extent.read_only.has(begin) && begin + page <= (extent.read_only.end & ~(page - 1)))
        os::forbid_writes(start, page);
}

// A function that is bound when it is first called leads into the object itself until then; so does one of its own.
bool leads_there(const void* value, const CallHook& hook, const Extent& extent, const ElfW(Sym) & symbol) {
    if (value == hook.replacement) return false;
    if (!hook.original || value == hook.original) return true;
    return symbol.st_shndx == SHN_UNDEF && extent.all.has(reinterpret_cast<uintptr_t>(value));
}

void redirect(const dl_phdr_info& object, const Imports& imports, const ElfW(Rela) * relocation, size_t size,
              const Hooks& hooks, const Extent& extent) {
    for (; size >= sizeof *relocation; size -= sizeof *relocation, ++relocation) {
        const size_t number = ELF64_R_SYM(relocation->r_info);
        if (number == 0) continue;
        const ElfW(Sym)& symbol = imports.symbols[number];
        const CallHook* const hook = hooks.find(imports.strings + symbol.st_name);
        if (!hook) continue;
        void** const slot = reinterpret_cast<void**>(object.dlpi_addr + relocation->r_offset);
        if (leads_there(*slot, *hook, extent, symbol)) store(slot, hook->replacement, extent);
    }
}

// New objects come last.
bool is_known(const dl_phdr_info& object, Hooks& hooks) {
    const uint64_t added = object.dlpi_adds;
    if (hooks.added == 0) {
        const uint64_t there = added - object.dlpi_subs, fresh = added - hooks.skipped;
        hooks.skipped = hooks.skipped == 0 || fresh > there ? 0 : there - fresh;
        hooks.added = added;
    }
    if (hooks.skipped == 0) return false;
    --hooks.skipped;
    return true;
}

int redirect_object(dl_phdr_info* object, size_t, void* context) {
    Hooks& hooks = *static_cast<Hooks*>(context);
    if (is_known(*object, hooks)) return 0;
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const ElfW(Phdr)& header = object->dlpi_phdr[i];
        if (header.p_type != PT_DYNAMIC) continue;
        const auto* dynamic = reinterpret_cast<const ElfW(Dyn)*>(object->dlpi_addr + header.p_vaddr);
        const Imports imports = imports_of(*object, dynamic);
        if (!imports.symbols || !imports.strings) continue;
        const Extent extent = extent_of(*object);
        if (extent.all.has(reinterpret_cast<uintptr_t>(hooks.first->replacement))) return 0;
        if (imports.calls) redirect(*object, imports, imports.calls, imports.calls_size, hooks, extent);
        if (imports.others) redirect(*object, imports, imports.others, imports.others_size, hooks, extent);
    }
    return 0;
}

}  // namespace

void hook_calls(const CallHook* hooks, size_t count, HookedObjects* before) {
    Hooks all{hooks, count, before ? before->added : 0, 0};
    dl_iterate_phdr(redirect_object, &all);
    if (before) before->added = all.added;
}

}  // namespace tarn
