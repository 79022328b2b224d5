// SPDX-License-Identifier: MIT
#include "profile/scopes.h"

#include <string.h>

#include "os/lock.h"
#include "profile/books.h"
#include "record/record.h"
#include "record/writing.h"

namespace tarn::profile {

namespace {

using record::state;

constexpr uint32_t kDepth = 16;
constexpr size_t kNameMost = 255, kNames = 1024;

struct Scope {
    const char* name;
    uintptr_t place;  // the stack pointer
};
struct Scopes {
    Scope open[kDepth];
    uint32_t depth;
};
thread_local constinit Scopes scopes __attribute__((tls_model("initial-exec"))) = {};

// Names that are in the record, by their text: few, and looked for one after another from where their hash says.
struct Names {
    Lock lock;
    tarn_record_section* section;
    char* begin;
    uint32_t places[kNames];  // + 1; 0: none
    uint32_t count;
    bool closed;  // for good: see Books
};
constinit Names names = {};

bool is_at(uint32_t place, const char* name, size_t length) {
    uint16_t there;
    memcpy(&there, names.begin + place, sizeof there);
    return there == length && memcmp(names.begin + place + sizeof there, name, length) == 0;
}

// The frame of this name; 0: there is no room for it.
uint64_t frame_of(const char* name) {
    size_t length = 0;
    uint32_t hash = 2166136261;
    for (; name[length] && length < kNameMost; ++length)
        hash = (hash ^ static_cast<uint8_t>(name[length])) * 16777619;
    // Closed: the lock stays with a thread that may wait for this one.
    if (names.closed || names.lock.is_mine()) return 0;
    const record::Writing writing;
    const Guard guard(names.lock);
    if (!names.section || !books_open()) return 0;
    uint32_t at = hash % kNames;
    for (; names.places[at]; at = (at + 1) % kNames)
        if (is_at(names.places[at] - 1, name, length)) return TARN_RECORD_FRAME_NAME | (names.places[at] - 1);
    const uint64_t place = names.section->count, end = place + sizeof(uint16_t) + length;
    if (names.count == kNames / 2 || end > names.section->capacity || !state.names.reserve(end)) {
        __atomic_store_n(&names.section->dropped, names.section->dropped + 1, __ATOMIC_RELAXED);
        return 0;
    }
    const uint16_t stored = static_cast<uint16_t>(length);
    memcpy(names.begin + place, &stored, sizeof stored);
    memcpy(names.begin + place + sizeof stored, name, length);
    __atomic_store_n(&names.section->count, end, __ATOMIC_RELEASE);
    names.places[at] = static_cast<uint32_t>(place) + 1;
    ++names.count;
    return TARN_RECORD_FRAME_NAME | place;
}

}  // namespace

tarn_scope begin_scope(const char* name) {
    const uint32_t depth = scopes.depth;
    if (depth >= kDepth || !name) return {};
    scopes.open[depth] = {name, reinterpret_cast<uintptr_t>(__builtin_frame_address(0))};
    std::atomic_signal_fence(std::memory_order_seq_cst);
    scopes.depth = depth + 1;
    return {depth + 1};
}

void end_scope(tarn_scope scope) {
    if (scope.level > 0 && scope.level <= scopes.depth) scopes.depth = scope.level - 1;
}

size_t add_scopes(uint64_t* frames, const uintptr_t* places, size_t count, size_t most) {
    size_t at = 0, put = 0;  // of the frame that is looked at; scopes before it
    for (uint32_t left = scopes.depth; left > 0 && count + put < most; --left) {
        const Scope& scope = scopes.open[left - 1];
        while (at < count && places[at] <= scope.place)
            ++at;
        const uint64_t frame = frame_of(scope.name);
        if (frame == 0) continue;
        memmove(frames + at + put + 1, frames + at + put, (count - at) * sizeof *frames);
        frames[at + put] = frame;
        ++put;
    }
    return count + put;
}

void open_names() {
    if (names.closed) return;
    names.section = record::section(TARN_RECORD_NAMES);
    names.begin = &state.names.entry<char>(0);
}

void forget_names() {
    names.closed |= names.lock.is_mine();
    if (names.closed) return;
    names.lock.reset();
    names.section = nullptr;
    names.count = 0;
    memset(names.places, 0, sizeof names.places);
}

}  // namespace tarn::profile
