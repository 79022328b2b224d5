// SPDX-License-Identifier: MIT
// The stack of the running thread, as it comes into the books: without tarn's own frames, with the program's scopes.
#pragma once
#include "profile/books.h"
#include "unwind/walk.h"

namespace tarn::profile {

// By a constructor, before any stack is asked for; the second time it does nothing. `of_libtarn`: an address in it.
void prepare_stacks(uintptr_t of_libtarn);
// In the child of a fork: what other threads had for their walks is free.
void leave_rooms();
// Of the thread itself, or from where a signal has interrupted it (`at`); room for `most`.
struct Frames {
    size_t depth;
    bool cut;
};
Frames own_frames(unwind::Memory::Range& own, uint64_t now, uint64_t* frames, size_t most);
Frames frames_from(const unwind::Registers& at, uint64_t now, uint64_t* frames, size_t most);
// Its number in STACKS, kNoStack where there is no room. `own`: as in unwind/walk.h.
uint32_t own_stack(unwind::Memory::Range& own, uint64_t now);

}  // namespace tarn::profile
