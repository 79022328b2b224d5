// SPDX-License-Identifier: MIT
#include "profile/script.h"

#include <string.h>

#include <algorithm>

#include "os/os.h"
#include "profile/books.h"
#include "profile/names.h"
#include "record/record.h"
#include "record/writing.h"

namespace tarn::profile {

namespace {

using record::state;

constexpr size_t kProvidersMost = 4;
struct Providers {
    std::atomic<const tarn_frames_provider*> each[kProvidersMost];
    std::atomic<size_t> count{0};  // places that are claimed
};
constinit Providers providers = {};

constexpr uintptr_t kPageBytes = 4096, kAddressesEnd = uintptr_t{1} << 56;
constexpr uint32_t kLineMost = (1u << 29) - 1;
// A C function's frame is not larger; what seems so lies on another stack.
constexpr uintptr_t kFrameMost = 256 << 10;

// Its place among the pages that are known, or one where it may stand instead.
uintptr_t& slot_of(ScriptRoom& room, uintptr_t page) {
    constexpr size_t kProbes = 8;
    static_assert(ScriptRoom::kSlots == 128, "seven bits of a hash");
    const size_t first = page * 0x9e3779b97f4a7c15 >> 57;
    for (size_t i = 0; i < kProbes; ++i) {
        uintptr_t& slot = room.pages[(first + i) % ScriptRoom::kSlots];
        if (slot == 0 || slot / 2 == page) return slot;
    }
    return room.pages[first];
}

// Whether all of it is there.
bool is_there(ScriptRoom& room, uintptr_t at, size_t bytes) {
    if (at < kPageBytes || at >= kAddressesEnd || bytes > kAddressesEnd) return false;
    for (uintptr_t page = at / kPageBytes; page * kPageBytes < at + bytes; ++page) {
        uintptr_t& slot = slot_of(room, page);
        if (slot / 2 != page && !os::may_read(reinterpret_cast<const void*>(page * kPageBytes))) return false;
        slot = page * 2 + 1;
    }
    return true;
}

// Of what the walk before has read, what may be read still.
void look_again(ScriptRoom& room) {
    char bytes[ScriptRoom::kAskedMost];
    size_t count = 0;
    for (const uintptr_t slot : room.pages)
        if (slot & 1 && count < ScriptRoom::kAskedMost)
            room.asked[count++] = {reinterpret_cast<const void*>(slot / 2 * kPageBytes), 1};
    const size_t there = count ? os::copy_first_from(room.asked, count, bytes, count) : 0;
    memset(room.pages, 0, sizeof room.pages);
    for (size_t i = 0; i < there; ++i) {
        const uintptr_t page = reinterpret_cast<uintptr_t>(room.asked[i].at) / kPageBytes;
        slot_of(room, page) = page * 2;
    }
}

int read(tarn_frames* frames, const void* from, void* to, size_t bytes) {
    if (!is_there(*static_cast<ScriptRoom*>(frames), reinterpret_cast<uintptr_t>(from), bytes)) return -1;
    memcpy(to, from, bytes);
    return 0;
}

size_t copy_text(ScriptRoom& room, char* to, const char* from, size_t bytes) {
    if (!from || !is_there(room, reinterpret_cast<uintptr_t>(from), bytes)) return 0;
    memcpy(to, from, bytes);
    return bytes;
}

// The first tab is between function and file.
size_t write_name(ScriptRoom& room, const tarn_frame& frame) {
    char* const text = room.text;
    size_t length = copy_text(room, text, frame.function,
                              std::min<size_t>(frame.function_length, ScriptRoom::kFunctionMost));
    for (size_t i = 0; i < length; ++i)
        if (text[i] == '\t') text[i] = ' ';
    if (length == 0) text[length++] = '?';
    text[length++] = '\t';
    return length + copy_text(room, text + length, frame.file,
                              std::min<size_t>(frame.file_length, ScriptRoom::kFileMost));
}

int add(tarn_frames* frames, const tarn_frame* frame) {
    ScriptRoom& room = *static_cast<ScriptRoom*>(frames);
    if (room.taken == kScriptFramesMost) {
        room.full = true;
        return -1;
    }
    const uint32_t place = place_of_name(room.text, write_name(room, *frame));
    if (place == kNoName) {
        room.full = true;
        return -1;
    }
    const uint64_t line = std::min(frame->line, kLineMost);
    room.frames[room.taken] = TARN_RECORD_FRAME_SCRIPT | line << 32 | place;
    room.places[room.taken] = reinterpret_cast<uintptr_t>(frame->place);
    room.entry[room.taken] = frame->flags & TARN_FRAME_ENTRY;
    ++room.taken;
    return 0;
}

// Finds the native frames that run one provider's script frames, from the innermost on.
class Placing {
  public:
    Placing(const NativeStack& stack, const tarn_frames_provider& provider)
        : stack_(stack),
          loop_(reinterpret_cast<uintptr_t>(provider.loop)),
          loop_end_(loop_ + provider.loop_size) {}

    // How many native frames stand before it; `placed`: the last of them is the loop.
    size_t before(uintptr_t place, bool entry, bool& placed) {
        if (place)
            look_for(place);
        else if (loop_ && begins_)
            look_for_loop();
        begins_ = entry;
        placed = found_;
        return found_ ? at_ + 1 : outermost_ ? stack_.count : at_ + 1;
    }

  private:
    void look_for(uintptr_t place) {
        for (size_t i = any_ ? at_ : 0; i < stack_.count; ++i) {
            const bool last = i + 1 == stack_.count;
            if (stack_.places[i] > place || place - stack_.places[i] >= kFrameMost) continue;
            if (last || place < stack_.places[i + 1]) return found(i);
        }
        lost();
    }
    void look_for_loop() {
        for (size_t i = any_ ? at_ + 1 : 0; i < stack_.count; ++i)
            if (const uintptr_t pc = stack_.frames[i] & ~TARN_RECORD_FRAME_EXACT;
                pc >= loop_ && pc <= loop_end_)
                return found(i);
        lost();
    }
    void found(size_t at) {
        at_ = at;
        any_ = found_ = true;
        outermost_ = false;
    }
    // Beyond what the walk over the native stack has reached, or elsewhere.
    void lost() {
        found_ = false;
        outermost_ = true;
    }

    const NativeStack& stack_;
    const uintptr_t loop_, loop_end_;
    size_t at_ = 0;
    bool any_ = false, found_ = false, outermost_ = true, begins_ = true;
};

// From the outer end on, so that nothing is moved twice.
void merge(ScriptRoom& room, size_t first, NativeStack& stack) {
    size_t added = room.taken - first;
    if (stack.count + added > stack.most) {
        added = stack.most - stack.count;
        stack.cut = true;
    }
    size_t native = stack.count, script = first + added, to = stack.count + added;
    stack.count = to;
    while (script > first) {
        if (room.places[script - 1] >= native) {
            --script;
            --to;
            stack.frames[to] = room.frames[script];
            stack.places[to] = native > 0 ? stack.places[native - 1] : 0;
        } else {
            --native;
            --to;
            stack.frames[to] = stack.frames[native];
            stack.places[to] = stack.places[native];
        }
    }
}

void ask(ScriptRoom& room, const tarn_frames_provider& provider, NativeStack& stack) {
    const size_t first = room.taken;
    provider.walk(&room, provider.data);
    if (room.taken == first) return;
    Placing placing(stack, provider);
    for (size_t i = first; i < room.taken; ++i) {
        bool placed;
        room.places[i] = placing.before(room.places[i], room.entry[i], placed);
        if (placed) room.frames[i] |= TARN_RECORD_FRAME_PLACED;
    }
    merge(room, first, stack);
}

template <size_t N>
void copy_words(char (&to)[N], const char* from) {
    const size_t length = from ? strnlen(from, N - 1) : 0;
    if (length) memcpy(to, from, length);
    to[length] = 0;
}

void announce(const tarn_frames_provider& provider) {
    const record::Writing writing;
    tarn_record_section* const section = books_open() ? record::section(TARN_RECORD_INTERPRETERS) : nullptr;
    if (!section) return;
    const uint64_t number = section->count;
    if (number == section->capacity ||
        !state.interpreters.reserve((number + 1) * sizeof(tarn_record_interpreter)))
        return;
    auto& entry = state.interpreters.entry<tarn_record_interpreter>(number);
    entry.time_ns = os::nanoseconds();
    entry.frames = provider.walk != nullptr;
    copy_words(entry.name, provider.interpreter);
    copy_words(entry.note, provider.note);
    __atomic_store_n(&section->count, number + 1, __ATOMIC_RELEASE);
}

}  // namespace

int register_frames(const tarn_frames_provider& provider) {
    if (provider.size < sizeof provider) return -1;
    const size_t number = providers.count.fetch_add(1, std::memory_order_relaxed);
    if (number >= kProvidersMost) {
        providers.count.store(kProvidersMost, std::memory_order_relaxed);
        return -1;
    }
    announce(provider);
    providers.each[number].store(&provider, std::memory_order_release);
    return 0;
}

bool has_providers() {
    return providers.count.load(std::memory_order_relaxed) != 0;
}

void announce_interpreters() {
    for (const auto& each : providers.each)
        if (const tarn_frames_provider* const provider = each.load(std::memory_order_acquire))
            announce(*provider);
}

void add_script_frames(ScriptRoom& room, NativeStack& stack) {
    if (!has_providers()) return;
    room.read = read;
    room.add = add;
    room.scratch = room.own;
    room.scratch_size = sizeof room.own;
    room.taken = 0;
    room.full = false;
    look_again(room);
    for (const auto& each : providers.each) {
        const tarn_frames_provider* const provider = each.load(std::memory_order_acquire);
        if (provider && provider->walk) ask(room, *provider, stack);
    }
    stack.cut |= room.full;
}

}  // namespace tarn::profile
