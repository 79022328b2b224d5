// SPDX-License-Identifier: MIT
// Mixed slabs: units with objects of many classes side by side, for who needs few of a class. A thread's first objects
// come from here, and its first ones of each class; so a process of few objects touches few pages.
//
//     | table: a byte for each 16 bytes | objects ............ carved | never touched |
//
// Objects that the profiler samples lie in units of their own, with larger ones among them, so that their free is seen
// to be one without a question to all others.
//
// The table has, where an object begins, its class, whether it is free, and whether it is a sampled one; 0 elsewhere. The bytes for the table itself
// hold what is counted of the unit. Free objects of one class are on one list through all units. A unit goes back when
// none of its objects is used.
//
// Any thread may call anything here, at any time; one lock (another one for sampled objects), below that of a heap's door and above that of the runs. A
// signal handler over one of these calls finds the lock its own: take() has nothing for it then, and give() leaves the
// object where it is. So they do for good in a child that such a handler forks.
#pragma once
#include "heap/size_classes.h"
#include "heap/slab.h"

namespace tarn::mixed {

inline constexpr size_t kSizeMost = 1024;      // bytes of an object
inline constexpr size_t kSampledMost = 14336;  // of a sampled one

// How many objects of the class a thread is to have had before it gets slabs of its own for it: 2 KiB of them.
constexpr uint8_t few(SizeClass c) {
    const size_t size = kSizeClasses[c].size;
    return size > kSizeMost ? 0 : size <= 256 ? 8 : static_cast<uint8_t>(2048 / size);
}

struct Taken {
    Object* object = nullptr;  // NULL: no memory, or not now
    bool fresh = false;        // never used before
};
// Whether it is counted here, since the thread has no heap to count it.
enum class Count : bool { kNot, kHere };
// Of a class of kSizeMost at most; aligned to 16 and not to more.
Taken take(SizeClass c, Count count = Count::kNot);
// A sampled one, of kSampledMost at most.
Taken take_sampled(SizeClass c);

inline bool has(const void* p) {
    return (entry_at(p) & ~(kMixedEntry ^ kSampledEntry)) == kMixedEntry;
}
// What begins at p, which a mixed slab has.
enum class State : uint8_t {
    kUsed,
    kSampled,
    kFree,
    kInside,
    kNothing
};  // the first three as the marks have them
struct Found {
    State state;
    SizeClass size_class;  // of the object that p is in, unless kNothing
};
Found look_up(const void* p);

// Frees the object at p, which a mixed slab has. What it was before: anything but kUsed is the program's fault, and
// nothing was done. kSampled: nothing was done either; who is to know of that free is told, and then it is given by
// give_sampled(), for which anything but kSampled is the program's fault.
Found give(void* p, Count count = Count::kNot);
Found give_sampled(void* p, Count count = Count::kNot);

// An empty unit that is kept goes back, and whole pages of free objects, by a system call that a sandbox may not allow
// (madvise); bytes.
size_t trim();
// Nothing is at p now, but an object of a mixed slab may have been.
bool was_mixed(const void* p);

// Taken and freed by threads that have no heap to count it; and objects there are, used or free, whoever took them.
struct Counts {
    uint64_t taken, freed, fresh, objects;
};
Counts counts(SizeClass c);
// Bytes taken less bytes freed by such threads: a difference, modulo 2^64, for a sum with what the others counted.
uint64_t live_bytes();

// Units there are.
size_t units();
size_t sampled_units();

// Dies where what is counted, the tables and the lists do not agree. At any time, by any thread.
void check();

// In the child of a fork, after the runs: what another thread may have left half done is read anew from the tables.
void after_fork_child();
// This thread is a signal handler over one of these calls.
bool is_mine();

}  // namespace tarn::mixed
