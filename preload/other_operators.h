// SPDX-License-Identifier: MIT
// Operators new and delete that an object has for itself, whatever the global names lead to: linked with -Bsymbolic, as Rust's
// libLLVM is, or with a C++ library inside of it.
#pragma once

namespace tarn {

// Whether an object that is loaded now, but for this library and the C++ library's own, has some. Long: it looks through all that they
// have read-only. Waits for the dynamic linker's lock.
bool others_bring_operators();

}  // namespace tarn
