// SPDX-License-Identifier: MIT
// Modules: what is loaded where.
#pragma once
#include <cstdint>

#include "tarn/record.h"

namespace tarn::record {

// Asks the dynamic linker, and notes what has come and gone. Not from inside an allocation function.
void look_for_modules();

// Whether the module at this address is in the record; if not, it is put there, unless somebody else is at it. Without a
// lock of the linker's: from inside an allocation function. The address is a module's while a stack is in it.
bool know_module(uintptr_t address);

// In a child of fork, whose record is empty yet: those of the parent's, of `count` that there were at that time.
struct ParentModules {
    const tarn_record_module* entries;  // in the parent's mapping
    uint64_t count;
    uint64_t forked_ns;
};
void copy_modules(const ParentModules& parent);
void modules_after_fork_child();

}  // namespace tarn::record
