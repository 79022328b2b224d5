// SPDX-License-Identifier: MIT
#include "profile/stack.h"

#include <atomic>

#include "os/os.h"
#include "os/thread_pointer.h"
#include "profile/scopes.h"
#include "profile/script.h"
#include "record/made.h"

namespace tarn::profile {

namespace {

using unwind::kFramesMost;

constexpr size_t kScopesMost = 16;
constexpr size_t kAllMost = kFramesMost + kScriptFramesMost + kScopesMost;

struct Room {
    std::atomic<uintptr_t> taken;  // by this thread
    unwind::WalkRoom walk;
    uint64_t frames[kAllMost];
    uintptr_t places[kAllMost];
    ScriptRoom script;
};

// Rooms for as many walks at once. Memory is touched when the first of them is used.
constexpr size_t kRooms = 64;
struct Rooms {
    std::atomic<Room*> rooms{nullptr};
    std::atomic<unwind::RowTable*> rows{nullptr};
    unwind::Object own[2];  // tarn's, where they are no part of the program
    bool prepared = false;
};
constinit Rooms all;

using record::made;

Room* take_room() {
    Room* const rooms = made(all.rooms, kRooms);
    if (!rooms) return nullptr;
    for (size_t i = 0; i < kRooms; ++i)
        if (uintptr_t none = 0;
            !rooms[i].taken.load(std::memory_order_relaxed) &&
            rooms[i].taken.compare_exchange_strong(none, thread_pointer(), std::memory_order_acquire))
            return &rooms[i];
    return nullptr;
}

bool is_own(uint64_t frame) {
    const uintptr_t pc = frame & ~unwind::kExact;
    return all.own[0].has(pc) || all.own[1].has(pc);
}

}  // namespace

void prepare_stacks(uintptr_t of_libtarn) {
    if (all.prepared) return;
    all.prepared = true;
    unwind::note_objects();
    const unwind::Object module = unwind::object_at(reinterpret_cast<uintptr_t>(&own_stack));
    const unwind::Object library = unwind::object_at(of_libtarn);
    // In a static program they are one with it, and their frames stay.
    if (module.end == 0 || module == library) return;
    all.own[0] = module;
    all.own[1] = library;
}

void leave_rooms() {
    Room* const rooms = all.rooms.load(std::memory_order_relaxed);
    for (size_t i = 0; rooms && i < kRooms; ++i)
        if (rooms[i].taken.load(std::memory_order_relaxed) != thread_pointer())
            rooms[i].taken.store(0, std::memory_order_relaxed);
}

uint32_t own_stack(unwind::Memory::Range& own, uint64_t now) {
    Room* const room = take_room();
    if (!room) return number_of({nullptr, 0, true}, now);
    room->walk.rows = made(all.rows, 1);
    unwind::capture(room->walk.before);
    const unwind::Walked walked =
        walk(room->walk, own, room->walk.before, now, room->frames, room->places, kFramesMost);
    size_t skipped = 0;
    while (skipped < walked.frames && is_own(room->frames[skipped]))
        ++skipped;
    NativeStack stack{room->frames + skipped, room->places + skipped, walked.frames - skipped,
                      kAllMost - kScopesMost - skipped, walked.cut};
    add_script_frames(room->script, stack);
    const size_t depth = add_scopes(stack.frames, stack.places, stack.count, kAllMost - skipped);
    const uint32_t number = number_of({stack.frames, depth, stack.cut}, now);
    room->taken.store(0, std::memory_order_release);
    return number;
}

Frames own_frames(unwind::Memory::Range& own, uint64_t now, uint64_t* frames, size_t most) {
    Room* const room = take_room();
    if (!room) return {0, true};
    room->walk.rows = made(all.rows, 1);
    unwind::capture(room->walk.before);
    const unwind::Walked walked =
        walk(room->walk, own, room->walk.before, now, room->frames, nullptr, kFramesMost);
    size_t skipped = 0, depth = 0;
    while (skipped < walked.frames && is_own(room->frames[skipped]))
        ++skipped;
    for (; skipped + depth < walked.frames && depth < most; ++depth)
        frames[depth] = room->frames[skipped + depth];
    const bool cut = walked.cut || skipped + depth < walked.frames;
    room->taken.store(0, std::memory_order_release);
    return {depth, cut};
}

Frames frames_from(const unwind::Registers& at, uint64_t now, uint64_t* frames, size_t most) {
    frames[0] = at.pc | unwind::kExact;
    Room* const room = take_room();
    if (!room) return {1, true};
    room->walk.rows = made(all.rows, 1);
    room->walk.before = at;
    unwind::Memory::Range unknown;
    const unwind::Walked walked =
        walk(room->walk, unknown, room->walk.before, now, frames + 1, nullptr, most - 1);
    room->taken.store(0, std::memory_order_release);
    return {walked.frames + 1, walked.cut};
}

}  // namespace tarn::profile
