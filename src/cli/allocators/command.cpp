// SPDX-License-Identifier: MIT
#include "cli/allocators/command.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/program/elf.h"
#include "cli/program/libraries.h"

namespace tarn::cli {
namespace {

ElfKind kind_of(const Elf& elf) {
    return {elf.bits, elf.machine};
}

std::string privilege(const std::string& path) {
    struct stat status;
    if (stat(path.c_str(), &status) != 0) return "";
    if ((status.st_mode & S_ISUID) && status.st_uid != geteuid()) return "set-user-ID";
    if ((status.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && status.st_gid != getegid())
        return "set-group-ID";
    if (getuid() != 0 && getxattr(path.c_str(), "security.capability", nullptr, 0) > 0)
        return "given capabilities";
    return "";
}

std::string obstacle_of(const Elf& elf, const std::string& path) {
    std::string file = base_name(elf.loader);
    if (elf.loader.empty()) return "is statically linked: nothing can be preloaded, it keeps its own malloc";
    if (kind_of(elf) != own_kind()) return "is a program for another kind of machine than the allocators";
    if (file.compare(0, 7, "ld-musl") == 0) return "uses musl's C library, and the allocators glibc's";
    if (std::string why = privilege(path); !why.empty())
        return "is " + why + ": the loader preloads nothing into it, it keeps its malloc";
    return "";
}

}  // namespace

std::string obstacle(const std::string& path) {
    std::string file = path;
    for (int scripts = 0; scripts < kMostScripts; ++scripts) {
        if (std::optional<Elf> elf = read_elf(file)) {
            std::string why = obstacle_of(*elf, file);
            return why.empty() || scripts == 0 ? why : "is run by " + file + ", which " + why;
        }
        if ((file = interpreter_of(file)).empty()) break;
    }
    return "";
}

std::optional<ElfKind> elf_kind(const std::string& path) {
    std::optional<Elf> elf = read_elf(path);
    return elf ? std::optional<ElfKind>(kind_of(*elf)) : std::nullopt;
}

ElfKind own_kind() {
    static const ElfKind kind = elf_kind("/proc/self/exe").value_or(ElfKind{});
    return kind;
}

}  // namespace tarn::cli
