// SPDX-License-Identifier: MIT
// Two signs: a definition among the dynamic symbols of who has no malloc, found by either hash table (the formats: System V ABI; U.
// Drepper, "How To Write Shared Libraries", 2011); and the name of the exception that operator new throws, which is in the C++ library alone, so that who has
// it has that library inside.
#include "preload/other_operators.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>

#include "os/os.h"

namespace tarn {

namespace {

constexpr const char* kOperators[] = {"_Znwm", "_Znam", "_ZdlPv", "_ZdaPv", "_ZdlPvm", "_ZdaPvm"};
constexpr char kThrown[] = "\0St9bad_alloc";  // with the NUL behind it

uint32_t hash_of(const char* name) {
    uint32_t hash = 5381;
    for (; *name; ++name)
        hash = hash * 33 + static_cast<unsigned char>(*name);
    return hash;
}

struct Symbols {
    const ElfW(Sym) * symbols = nullptr;
    const char* names = nullptr;
    const uint32_t* by_gnu = nullptr;  // the hash table of either kind
    const uint32_t* by_system_v = nullptr;

    bool complete() const { return symbols && names && (by_gnu || by_system_v); }
    bool define(const char* name) const { return by_gnu ? find_by_gnu(name) : find_any(name); }

  private:
    bool is(uint32_t symbol, const char* name) const {
        return symbols[symbol].st_shndx != SHN_UNDEF && !strcmp(names + symbols[symbol].st_name, name);
    }
    bool find_by_gnu(const char* name) const {
        const uint32_t buckets = by_gnu[0], first = by_gnu[1], words = by_gnu[2];
        if (buckets == 0) return false;
        const uint32_t* const bucket = by_gnu + 4 + words * (sizeof(ElfW(Addr)) / sizeof *by_gnu);
        const uint32_t* const chain = bucket + buckets;
        const uint32_t hash = hash_of(name);
        for (uint32_t i = bucket[hash % buckets]; i >= first && i > 0; ++i) {
            if ((chain[i - first] | 1) == (hash | 1) && is(i, name)) return true;
            if (chain[i - first] & 1) break;
        }
        return false;
    }
    bool find_any(const char* name) const {
        const uint32_t count = by_system_v[1];
        for (uint32_t i = 1; i < count; ++i)
            if (is(i, name)) return true;
        return false;
    }
};

Symbols symbols_of(const dl_phdr_info& object, const ElfW(Phdr) & dynamic) {
    const auto at = [&](ElfW(Addr) value) {
        return value < object.dlpi_addr ? value + object.dlpi_addr : value;
    };
    Symbols found;
    for (auto* each = reinterpret_cast<const ElfW(Dyn)*>(object.dlpi_addr + dynamic.p_vaddr);
         each->d_tag != DT_NULL; ++each) {
        const ElfW(Addr) value = at(each->d_un.d_ptr);
        if (each->d_tag == DT_SYMTAB) found.symbols = reinterpret_cast<const ElfW(Sym)*>(value);
        if (each->d_tag == DT_STRTAB) found.names = reinterpret_cast<const char*>(value);
        if (each->d_tag == DT_GNU_HASH) found.by_gnu = reinterpret_cast<const uint32_t*>(value);
        if (each->d_tag == DT_HASH) found.by_system_v = reinterpret_cast<const uint32_t*>(value);
    }
    return found;
}

// In what can be read of it: the program may have changed what its file says.
bool has_thrown(const char* begin, const char* end) {
    const size_t page = os::page_size();
    for (const char* at = begin; at < end;) {
        const char* stop = at;
        while (stop < end && os::may_read(stop))
            stop += page - reinterpret_cast<uintptr_t>(stop) % page;
        if (stop > end) stop = end;
        if (stop > at && memmem(at, static_cast<size_t>(stop - at), kThrown, sizeof kThrown)) return true;
        at = stop + (page - reinterpret_cast<uintptr_t>(stop) % page);
    }
    return false;
}

bool is_own(const dl_phdr_info& object) {
    const uintptr_t here = reinterpret_cast<uintptr_t>(&kThrown);
    for (int i = 0; i < object.dlpi_phnum; ++i) {
        const ElfW(Phdr)& part = object.dlpi_phdr[i];
        if (part.p_type == PT_LOAD && here - (object.dlpi_addr + part.p_vaddr) < part.p_memsz) return true;
    }
    return false;
}

bool is_cpp_library(const char* path) {
    const char* const slash = strrchr(path, '/');
    const char* const name = slash ? slash + 1 : path;
    return !strncmp(name, "libstdc++.", 10) || !strncmp(name, "libc++", 6);
}

// An allocator's operators go with its malloc, and do not serve beside tarn's.
bool brings_operators(const Symbols& symbols) {
    if (!symbols.complete() || symbols.define("malloc")) return false;
    for (const char* name : kOperators)
        if (symbols.define(name)) return true;
    return false;
}

int look_at(dl_phdr_info* object, size_t, void*) {
    if (is_own(*object) || is_cpp_library(object->dlpi_name)) return 0;
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const ElfW(Phdr)& part = object->dlpi_phdr[i];
        if (part.p_type == PT_DYNAMIC && brings_operators(symbols_of(*object, part))) return 1;
        if (part.p_type != PT_LOAD || !(part.p_flags & PF_R) || part.p_flags & PF_W) continue;
        const char* const begin = reinterpret_cast<const char*>(object->dlpi_addr + part.p_vaddr);
        if (has_thrown(begin, begin + part.p_filesz)) return 1;
    }
    return 0;
}

}  // namespace

bool others_bring_operators() {
    return dl_iterate_phdr(look_at, nullptr) != 0;
}

}  // namespace tarn
