// SPDX-License-Identifier: MIT
#include "reader/symbols/demangle.h"

#include <cstdlib>

// binutils', which knows Rust's two ways as well. Not libiberty.h: it declares functions of libc's anew.
#include <libiberty/demangle.h>

namespace tarn::reader {
namespace {

constexpr size_t kLongest = 1 << 16;  // of a name, mangled

}  // namespace

std::string demangled(const std::string& name) {
    if (name.size() > kLongest || name.compare(0, 2, "_Z") != 0) {
        if (name.size() > kLongest || name.compare(0, 2, "_R") != 0) return name;
    }
    char* text = cplus_demangle(name.c_str(), DMGL_AUTO | DMGL_ANSI);
    if (!text) return name;
    std::string plain = text;
    std::free(text);
    return plain;
}

}  // namespace tarn::reader
