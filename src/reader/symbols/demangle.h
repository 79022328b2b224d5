// SPDX-License-Identifier: MIT
#pragma once
#include <string>

namespace tarn::reader {

// The name as it was written in C++ (templates' arguments kept, parameters left out) or Rust (without the hash).
// What is no mangled name stays as it is.
std::string demangled(const std::string& name);

}  // namespace tarn::reader
