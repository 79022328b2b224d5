// SPDX-License-Identifier: MIT
// The command to be compared: whether an allocator can be put under it, and which files the machine can load.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace tarn::cli {

// Why nothing that is preloaded reaches the program, in words that follow its name; "": nothing is known to be in the
// way. A script is judged by its interpreter.
std::string obstacle(const std::string& path);

struct ElfKind {
    int bits = 0, machine = 0;
    bool operator==(const ElfKind&) const = default;
};
std::optional<ElfKind> elf_kind(const std::string& path);  // none: no such file
ElfKind own_kind();

}  // namespace tarn::cli
