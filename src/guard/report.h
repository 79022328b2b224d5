// SPDX-License-Identifier: MIT
// What was found, in words, to standard error; and as events of the record, where there is one.
#pragma once
#include <cstddef>
#include <cstdint>

#include "guard/access.h"
#include "guard/pool.h"
#include "unwind/registers.h"

namespace tarn::guard {

// By the constructor: who it is, for frames of the program itself.
void prepare_report();
// In the child of a fork.
void report_after_fork_child();

// An address in the pool was touched. It waits for nobody for longer than two seconds, allocates nothing, and returns.
void report_access(uintptr_t address, Access access, const unwind::Registers& at);
// What lies beside an object that is being freed was written to. It returns.
void report_written(uintptr_t address, const Place& place);
// A pointer into the pool was freed, or asked for, that cannot be. Ends the process.
enum class Misuse : uint8_t { kFree, kOther };
[[noreturn]] void die_of_misuse(uintptr_t pointer, const Place& place, Misuse misuse);

// This thread's stack, as it comes into a slot.
void trace_here(Trace& trace);

}  // namespace tarn::guard
