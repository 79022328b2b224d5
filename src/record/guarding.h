// SPDX-License-Identifier: MIT
// Guarding: what the module's table asks of src/guard, which lies above the record and joins by this table.
#pragma once
#include "seam/recorder.h"

namespace tarn::record {

struct Guarding {
    // The host is known, and the record, if there is one, begun.
    void (*begin)();
    void (*arrived)(ThreadCache&);  // as in seam/recorder.h
    void (*after_fork_child)();
    void (*objects_changed)();
    Recorder::GuardedFree (*free)(void* pointer);
    size_t (*size)(const void* pointer);
    bool (*sees_all)();
    void (*due)(ThreadCache&);
};

// By the module's entry, before anything is begun.
void join_guarding(const Guarding& guarding);
const Guarding* guarding();  // NULL: none

}  // namespace tarn::record
