// SPDX-License-Identifier: MIT
// Call frame information of loaded objects: which of it tells of an address (the Linux Standard Base, "Exception Frames":
// .eh_frame_hdr, .eh_frame). Found through glibc's _dl_find_object, which neither locks nor allocates.
#pragma once
#include "unwind/memory.h"

namespace tarn::unwind {

struct Object {
    uintptr_t begin = 0, end = 0;  // addresses
    uintptr_t header = 0;          // its .eh_frame_hdr; 0: it has none
    const void* link = nullptr;    // the dynamic linker's record
    bool stays = false;            // it is never unloaded

    bool has(uintptr_t pc) const { return pc >= begin && pc < end; }
    bool operator==(const Object&) const = default;
};
// `end` 0 where no object is known at pc.
Object object_at(uintptr_t pc);
// Objects that are there by now are never unloaded: to be called once, by a constructor, before any walk. It locks.
void note_objects();
// Of the object and where it lies; another for what is loaded in its place.
uint64_t signature_of(const Object& object, Memory& memory);

// What the tables say of one function.
struct Function {
    uintptr_t begin = 0, end = 0;  // addresses; end 0: nothing is known
    bool signal_frame = false;     // it is where signal handlers return to
    uint64_t code_factor = 0;
    int64_t data_factor = 0;
    uint64_t return_column = 0;
    uint8_t pointer_encoding = 0;
    // Instructions for all functions of its kind, and then for itself.
    uintptr_t common = 0, common_end = 0, own = 0, own_end = 0;

    bool has(uintptr_t pc) const { return pc >= begin && pc < end; }
};
Function function_at(uintptr_t pc, const Object& object, Memory& memory);

}  // namespace tarn::unwind
