// SPDX-License-Identifier: MIT
// The record of this process (tarn/record.h): begun by the constructor, begun anew by a child of fork, ended. What is in
// it is written by the other files of this room, and by src/profile, each its own sections.
//
// Life: kNone -> kBegun -> kEnded or kStopped; in a child of fork kForked -> kBegun, or kEnded. Whoever writes makes sure first that
// this is the process whose record it is (writes_here): a child that came into being without handlers of fork (vfork,
// clone) has the mapping, too.
#pragma once
#include <atomic>

#include "os/lock.h"
#include "record/file/extent.h"
#include "seam/host.h"
#include "tarn/record.h"

namespace tarn::record {

enum class Life : uint8_t { kNone, kBegun, kForked, kStopped, kEnded };

struct State {
    const Host* host = nullptr;
    std::atomic<Life> life{Life::kNone};
    int process = 0;        // whose it is
    bool in_child = false;  // of a fork
    tarn_record_header* header = nullptr;
    size_t mapped = 0;  // bytes
    // Of who begins, ends, publishes. Only ever tried; nobody waits but the end of the process, and that not for long.
    Lock lock;
    Extent front, snapshots, timelines[2], events, modules;
    // Laid out by this room; memory and contents are src/profile's.
    Extent stacks, frames, samples, names, interpreters;
};
extern constinit State state;

// Life is kBegun, and this is the process. A system call.
bool writes_here();
// The section's place in the table; NULL: this record has none.
tarn_record_section* section(tarn_record_section_kind kind);

// By the constructor. False: there is none, and one line says why.
bool begin(const Host& host);
// In a child of fork, from inside an allocation function or at its end; without a word. With the lock held.
bool begin_in_child();
// In the child of a fork: nothing of the parent's is written any more.
void forked();
// The file cannot grow: one line, once, in the first process. Any thread, any time.
void stop(const char* why);
// The end state, and off with the file where it is not to stay.
void end();

}  // namespace tarn::record
