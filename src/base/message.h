// SPDX-License-Identifier: MIT
// Messages to a person: tarn writes them to standard error, one line each, prefixed "tarn: ".
#pragma once
#include <cstddef>

namespace tarn {

// One line of warning; the program goes on. The pieces are written one after another.
void warn(const char* a, const char* b = "", const char* c = "", const char* d = "", const char* e = "");

// Misuse that cannot go on: one line, then abort. The words after "tarn: " are fixed (README, "Messages").
enum class Fault {
    kDoubleFree,      // "double free"
    kInsideObject,    // "pointer into an object"
    kNeverHandedOut,  // "pointer never handed out"
    kWrongSize,       // "wrong size"
    kWrongHeap,       // "pointer of another heap"
    kInternal,        // "internal error"
};
[[noreturn]] void die(Fault fault, const void* pointer, const char* detail = "", size_t number = 0,
                      const char* unit = "");

}  // namespace tarn
