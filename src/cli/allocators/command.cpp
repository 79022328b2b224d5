// SPDX-License-Identifier: MIT
#include "cli/allocators/command.h"

#include <elf.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace tarn::cli {
namespace {

constexpr int kMostScripts = 5;  // interpreters of interpreters; the kernel stops there too

struct Elf {
    ElfKind kind;
    std::string loader;  // "": none, it is static
};

template <class Type>
std::optional<Type> read_at(std::ifstream& file, uint64_t offset) {
    Type value;
    file.clear();
    file.seekg(static_cast<std::streamoff>(offset));
    file.read(reinterpret_cast<char*>(&value), sizeof value);
    return file ? std::optional<Type>(value) : std::nullopt;
}

template <class Header, class Segment>
std::string loader_of(std::ifstream& file) {
    std::optional<Header> header = read_at<Header>(file, 0);
    for (int i = 0; header && i < header->e_phnum; ++i) {
        auto segment =
            read_at<Segment>(file, header->e_phoff + static_cast<uint64_t>(i) * header->e_phentsize);
        if (!segment || segment->p_type != PT_INTERP) continue;
        std::string loader(std::min<size_t>(segment->p_filesz, 4096), '\0');
        file.seekg(static_cast<std::streamoff>(segment->p_offset));
        file.read(loader.data(), static_cast<std::streamsize>(loader.size()));
        return loader.c_str();
    }
    return "";
}

std::optional<Elf> elf_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::optional<Elf32_Ehdr> head = read_at<Elf32_Ehdr>(file, 0);
    if (!head || std::memcmp(head->e_ident, ELFMAG, SELFMAG) != 0) return {};
    bool is_64 = head->e_ident[EI_CLASS] == ELFCLASS64;
    return Elf{{is_64 ? 64 : 32, head->e_machine},
               is_64 ? loader_of<Elf64_Ehdr, Elf64_Phdr>(file) : loader_of<Elf32_Ehdr, Elf32_Phdr>(file)};
}

// The program that a script's first line names; "": there is no such line.
std::string interpreter_of(const std::string& path) {
    std::ifstream file(path);
    std::string line, word;
    if (!std::getline(file, line) || line.compare(0, 2, "#!") != 0) return "";
    std::istringstream words(line.substr(2));
    words >> word;
    if (word.size() < 4 || word.substr(word.size() - 4) != "/env") return word;
    while (words >> word)
        if (word[0] != '-' && word.find('=') == std::string::npos) return found_in_path(word);
    return "";
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
    std::string file = elf.loader.substr(elf.loader.rfind('/') + 1);
    if (elf.loader.empty()) return "is statically linked: nothing can be preloaded, it keeps its own malloc";
    if (elf.kind != own_kind()) return "is a program for another kind of machine than the allocators";
    if (file.compare(0, 7, "ld-musl") == 0) return "uses musl's C library, and the allocators glibc's";
    if (std::string why = privilege(path); !why.empty())
        return "is " + why + ": the loader preloads nothing into it, it keeps its malloc";
    return "";
}

}  // namespace

std::string found_in_path(const std::string& word) {
    if (word.find('/') != std::string::npos) return word;
    const char* path = std::getenv("PATH");
    std::istringstream folders(path ? path : "/bin:/usr/bin");
    for (std::string folder; std::getline(folders, folder, ':');) {
        std::string file = (folder.empty() ? "." : folder) + "/" + word;
        struct stat status;
        if (access(file.c_str(), X_OK) == 0 && stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode))
            return file;
    }
    return "";
}

std::string obstacle(const std::string& path) {
    std::string file = path;
    for (int scripts = 0; scripts < kMostScripts; ++scripts) {
        if (std::optional<Elf> elf = elf_of(file)) {
            std::string why = obstacle_of(*elf, file);
            return why.empty() || scripts == 0 ? why : "is run by " + file + ", which " + why;
        }
        if ((file = interpreter_of(file)).empty()) break;
    }
    return "";
}

std::optional<ElfKind> elf_kind(const std::string& path) {
    std::optional<Elf> elf = elf_of(path);
    return elf ? std::optional<ElfKind>(elf->kind) : std::nullopt;
}

ElfKind own_kind() {
    static const ElfKind kind = elf_kind("/proc/self/exe").value_or(ElfKind{});
    return kind;
}

}  // namespace tarn::cli
