// SPDX-License-Identifier: MIT
#include "profile/stack.h"

#include <atomic>

#include "os/os.h"
#include "profile/scopes.h"

namespace tarn::profile {

namespace {

using unwind::kFramesMost;

constexpr size_t kScopesMost = 16;

struct Room {
    std::atomic<bool> taken;
    unwind::WalkRoom walk;
    uint64_t frames[kFramesMost + kScopesMost];
    uintptr_t places[kFramesMost];
};

// Rooms for as many walks at once. Memory is touched when the first of them is used.
constexpr size_t kRooms = 64;
struct Rooms {
    std::atomic<Room*> rooms{nullptr};
    std::atomic<unwind::RowTable*> rows{nullptr};
    unwind::Object own[2];  // tarn's, where they are no part of the program
};
constinit Rooms all;

template <class Type>
Type* made(std::atomic<Type*>& place, size_t count) {
    Type* there = place.load(std::memory_order_acquire);
    if (there) return there;
    const size_t bytes = (count * sizeof(Type) + os::page_size() - 1) / os::page_size() * os::page_size();
    auto* const fresh = static_cast<Type*>(os::map(bytes));
    if (!fresh) return nullptr;
    if (place.compare_exchange_strong(there, fresh, std::memory_order_acq_rel)) return fresh;
    os::unmap(fresh, bytes);
    return there;
}

Room* take_room() {
    Room* const rooms = made(all.rooms, kRooms);
    if (!rooms) return nullptr;
    for (size_t i = 0; i < kRooms; ++i)
        if (!rooms[i].taken.load(std::memory_order_relaxed) &&
            !rooms[i].taken.exchange(true, std::memory_order_acquire))
            return &rooms[i];
    return nullptr;
}

bool is_own(uint64_t frame) {
    const uintptr_t pc = frame & ~unwind::kExact;
    return all.own[0].has(pc) || all.own[1].has(pc);
}

}  // namespace

void prepare_stacks(uintptr_t of_libtarn) {
    unwind::note_objects();
    const unwind::Object module = unwind::object_at(reinterpret_cast<uintptr_t>(&own_stack));
    const unwind::Object library = unwind::object_at(of_libtarn);
    // In a static program they are one with it, and their frames stay.
    if (module.end == 0 || module == library) return;
    all.own[0] = module;
    all.own[1] = library;
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
    uint64_t* const frames = room->frames + skipped;
    const size_t depth = add_scopes(frames, room->places + skipped, walked.frames - skipped,
                                    kFramesMost + kScopesMost - skipped);
    const uint32_t number = number_of({frames, depth, walked.cut}, now);
    room->taken.store(false, std::memory_order_release);
    return number;
}

}  // namespace tarn::profile
