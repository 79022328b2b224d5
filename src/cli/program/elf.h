// SPDX-License-Identifier: MIT
// Elf: what the loader looks at in a program or a library, and a few of its names. The file is anybody's: how much is
// read of it has a bound, and what is wrong in it is as if it were not there.
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tarn::cli {

struct Elf {
    int bits = 0;          // 32 or 64
    uint16_t machine = 0;  // EM_...
    std::string loader;    // "": none, it is statically linked, or a library
    std::vector<std::string> needed;
    std::set<std::string> defined, used;  // of the names below, in its dynamic symbols

    bool needs(std::string_view begin) const;  // a library whose name begins so
};

// Nothing: it is none, or cannot be read. Only of the machine's own kind (64 bits, byte order) are names known.
std::optional<Elf> read_elf(const std::string& path);

// The names that are looked for.
inline constexpr const char* kNames[] = {"malloc",        "free",        "tarn_version", "je_malloc",
                                         "mallctl",       "__asan_init", "__tsan_init",  "__msan_init",
                                         "__hwasan_init", "__lsan_init", "Py_BytesMain", "zend_startup"};

// Whether a file has these bytes in it; of files up to 1 GiB.
bool file_holds(const std::string& path, std::string_view bytes);

}  // namespace tarn::cli
