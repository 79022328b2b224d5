// SPDX-License-Identifier: MIT
// The pool of guarded objects: one mapping, with a guard page before each slot and behind the last.
//
//     | guard | data data | guard | data data | guard | ...
//
// An object ends where its slot's last data page does, or begins where the first does; data pages that it does not reach are
// guarded as well, and what lies around it on those it reaches is filled, and looked at when it is freed. Then all of them are guarded, until the slot is taken again: slots that were never used come first, then
// the one that was freed longest ago.
//
// A slot's state is one word, and who changes it from kFree or kLive owns the slot until the next change. So nothing is locked; a
// slot that another thread owned when a child was forked is lost to that child.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tarn::guard {

inline constexpr size_t kSizeMost = 8192;  // bytes of an object
inline constexpr size_t kFramesMost = 32;

enum class State : uint8_t { kUnused, kTaken, kLive, kFreeing, kFree };

struct Trace {
    uint64_t frames[kFramesMost];
    uint32_t depth;
    bool cut;
    uint32_t thread;
    uint64_t time_ns;
};

struct Slot {
    uintptr_t begin;  // of the object
    size_t asked;     // bytes that were asked for
    size_t usable;    // bytes that may be touched: these, but 16 at least
    uint32_t size_class;
    uint8_t guarded;  // a bit for each data page: it is guarded
    Trace allocated, freed;
};

// Once. False: no memory.
bool open_pool(size_t slots);

enum class Side : bool { kBegin, kEnd };
// A slot for such an object: in state kTaken, its pages zero and open, `begin`, `asked` and `usable` written. NULL: none is
// free, or the kernel refused.
Slot* take(size_t size, size_t alignment, Side side);
// The object is the program's.
void hand_out(Slot& slot);

// What an address in the pool is.
struct Place {
    Slot* slot = nullptr;  // NULL: it is in no slot, and beside none that was used
    State state = State::kUnused;
    bool begins = false;  // it is where the object begins
};
bool in_pool(uintptr_t address);
// Of the object in whose slot it is; on a guard page, of the object that it is nearest to, live ones first.
Place place_of(uintptr_t address);

// The object becomes this thread's to free. False: it is not live.
bool begin_free(Slot& slot);
// A byte beside the object that has changed since it was taken, the nearest one; 0: none.
uintptr_t written_beside(const Slot& slot);
// Its pages are guarded from now on.
void end_free(Slot& slot);

}  // namespace tarn::guard
