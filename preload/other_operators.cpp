// SPDX-License-Identifier: MIT
// Two signs: a definition among the dynamic symbols, found by the GNU hash table (the format: U. Drepper, "How To Write Shared
// Libraries", 2011); and the name of the exception that operator new throws, which is in the C++ library alone, so that who has
// it has that library inside.
#include "preload/other_operators.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>

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
    const uint32_t* hashes = nullptr;

    bool define(const char* name) const {
        const uint32_t buckets = hashes[0], first = hashes[1], words = hashes[2];
        if (buckets == 0) return false;
        const uint32_t* const bucket = hashes + 4 + words * (sizeof(ElfW(Addr)) / sizeof *hashes);
        const uint32_t* const chain = bucket + buckets;
        const uint32_t hash = hash_of(name);
        for (uint32_t i = bucket[hash % buckets]; i >= first && i > 0; ++i) {
            const uint32_t here = chain[i - first];
            if ((here | 1) == (hash | 1) && symbols[i].st_shndx != SHN_UNDEF &&
                !strcmp(names + symbols[i].st_name, name))
                return true;
            if (here & 1) break;
        }
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
        if (each->d_tag == DT_SYMTAB)
            found.symbols = reinterpret_cast<const ElfW(Sym)*>(at(each->d_un.d_ptr));
        if (each->d_tag == DT_STRTAB) found.names = reinterpret_cast<const char*>(at(each->d_un.d_ptr));
        if (each->d_tag == DT_GNU_HASH)
            found.hashes = reinterpret_cast<const uint32_t*>(at(each->d_un.d_ptr));
    }
    return found;
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

int look_at(dl_phdr_info* object, size_t, void*) {
    if (is_own(*object) || is_cpp_library(object->dlpi_name)) return 0;
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const ElfW(Phdr)& part = object->dlpi_phdr[i];
        if (part.p_type == PT_DYNAMIC) {
            const Symbols symbols = symbols_of(*object, part);
            if (!symbols.symbols || !symbols.names || !symbols.hashes) continue;
            for (const char* name : kOperators)
                if (symbols.define(name)) return 1;
        }
        const bool constant = part.p_type == PT_LOAD && part.p_flags & PF_R && !(part.p_flags & PF_W);
        if (constant && memmem(reinterpret_cast<const void*>(object->dlpi_addr + part.p_vaddr), part.p_filesz,
                               kThrown, sizeof kThrown))
            return 1;
    }
    return 0;
}

}  // namespace

bool others_bring_operators() {
    return dl_iterate_phdr(look_at, nullptr) != 0;
}

}  // namespace tarn
