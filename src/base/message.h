// SPDX-License-Identifier: MIT
// Messages to a person: tarn writes them to standard error, one line each, prefixed "tarn: ".
#pragma once
#include <cstddef>

#include "base/join_list.h"

namespace tarn {

// One line of warning; the program goes on. The pieces are written one after another.
void warn(const char* a, const char* b = "", const char* c = "", const char* d = "", const char* e = "");

// Misuse that cannot go on: one line, then abort. The words after "tarn: " are fixed (README, "Messages"). After
// name_threads() the line ends in this thread's number.
enum class Fault {
    kDoubleFree,      // "double free"
    kInsideObject,    // "pointer into an object"
    kNeverHandedOut,  // "pointer never handed out"
    kWrongSize,       // "wrong size"
    kOverflow,        // "write past the end"
    kUnderflow,       // "write before the begin"
    kWriteAfterFree,  // "write after free"
    kWrongForm,       // "wrong form of free"
    kWrongHeap,       // "pointer of another heap"
    kInternal,        // "internal error"
};
[[noreturn]] void die(Fault fault, const void* pointer, const char* detail = "", size_t number = 0,
                      const char* unit = "");

void name_threads();

// Who is told of a message before the process ends by it: one, who may neither allocate nor wait. Set once.
using FaultTeller = void (*)(const void* pointer, const char* message);
void tell_faults_to(FaultTeller teller);

// What the explicit interface hands out lies within objects and blocks of malloc's: to free() it is a pointer
// into one of them. A room of the interface joins, and the message ends by saying whose it is.
struct Claim : Joins<Claim> {
    // "of a tarn_heap; tarn_heap_free takes it"; NULL: not of this room. Asked by any thread at any time, with
    // any lock held, and in signal handlers: it may neither allocate nor wait, and reads with care.
    using Ask = const char* (*)(const void* pointer);
    constexpr explicit Claim(Ask ask) : whose(ask) {}
    const Ask whose;
};
// Any thread, any time, as often as one likes.
void join_claims(Claim& claim);

}  // namespace tarn
