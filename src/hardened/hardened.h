// SPDX-License-Identifier: MIT
// The objects of the hardened mode: every small request comes here instead of to a bin, and what it gets lies in slabs of a kind of their
// own (slots.h, guarded_slab.h), in one of the shards (shard.h), with quarantine between free and reuse.
//
// Any thread may call anything here at any time, also a signal handler over one of these calls. Whatever is wrong ends the process with a
// message, after all locks were left.
#pragma once
#include "hardened/shard.h"
#include "heap/slab.h"

namespace tarn::hardened {

// Whether it is counted here, since the thread has no cache to count it; frees of other shards' objects are not.
enum class Count : bool { kNot, kHere };

struct Taken {
    void* object = nullptr;  // all zero; NULL: no memory, or no slot is so long and aligned
    bool fresh = false;      // never used before
    bool grew = false;       // a slab was made
};
Taken take(size_t size, size_t alignment, Form form, Count count);

// What a hardened slab has at p is freed, as `form` says and, unless it is kAnySize, as so many bytes.
struct Given {
    size_t asked;
    bool remote;  // of another shard than this thread's
};
Given give(void* p, Form form, size_t expected, Count count);
// One that was taken by this thread and not handed out.
void untake(void* p);

// Whether what one form made and another undoes is a fault. Not where a loaded object has operators new and delete of its own,
// bound inside of it: then what it makes comes here as malloc's, and others may delete it. The layer above knows how to
// look for such objects; it is asked when two forms differ first, and no more once there is one.
bool forms_differ(Form made, Form undone);
void set_forms_look(bool (*some_bring_operators)());

// The bytes that were asked for, of the live object at p, which a hardened slab has.
size_t size_of(const void* p);
// It gets another size in its place; false: it has to move.
[[nodiscard]] bool resize(void* p, size_t size);

// All live objects and those in quarantine. By who ends the process: it waits for nobody for long.
void check_all();
// Slabs without objects go back; how many bytes.
size_t trim();

// As in mixed.h. `objects`: live ones and those in quarantine.
struct Counts {
    uint64_t taken, freed, fresh, objects;
};
Counts counts(SizeClass c);
uint64_t live_bytes();  // taken less freed, of what is counted here, modulo 2^64
// In quarantine.
uint64_t waiting_bytes();
// Objects that were looked at: when they were freed, and when their place was taken.
uint64_t checks_made();
// This thread ends, or takes nothing more.
void leave_thread();

// In the child of a fork, after the runs.
void after_fork_child(bool others);
// This thread is a signal handler over one of these calls.
bool is_mine();

}  // namespace tarn::hardened
