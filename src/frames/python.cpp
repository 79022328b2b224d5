// SPDX-License-Identifier: MIT
// CPython's frames: the running thread's, from its thread state on. Nothing is taken for true that was not looked at: a
// thread state is this thread's by what it says itself, code and names by their types, and all of it is read by what cannot
// fault.
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "frames/python_layout.h"
#include "frames/python_lines.h"
#include "frames/reading.h"

namespace tarn::frames {

namespace {

struct Python {
    PythonLayout layout;
    uintptr_t runtime, code_type, string_type;
    void* (*current_thread)();  // reads a variable; NULL: not used
};
constinit Python python = {};

constexpr size_t kTypeAt = 8;
constexpr uintptr_t kTags = 3;  // of a reference on the interpreter's stack, from 3.14 on
constexpr size_t kWideKindBit = 16;
constexpr int kThreadsMost = 4096;
constexpr size_t kFunctionRoom = 256, kFileRoom = 512;

class Walk {
  public:
    explicit Walk(tarn_frames* frames) : reading_(frames), layout_(python.layout) {}

    void all() {
        const uintptr_t thread = own_thread();
        if (!thread) return;
        switch (layout_.chain) {
            case Chain::kObjects:
                return by_objects(thread);
            case Chain::kEntries:
            case Chain::kShims:
                return by_cframes(thread);
            case Chain::kShimsAlone:
                return by_shims(thread);
        }
    }

  private:
    bool is_own(uintptr_t thread) const {
        unsigned long id;
        return thread && reading_.get(thread + layout_.thread_id, id) && id == pthread_self();
    }

    uintptr_t own_thread() const {
        if (layout_.current_thread)
            if (const uintptr_t at = reading_.pointer(python.runtime + layout_.current_thread); is_own(at))
                return at;
        if (python.current_thread)
            if (const auto at = reinterpret_cast<uintptr_t>(python.current_thread()); is_own(at)) return at;
        return layout_.thread_key ? thread_by_key() : thread_by_list();
    }
    // A thread that has let go of the lock of the interpreter.
    uintptr_t thread_by_key() const {
        struct {
            int made;
            pthread_key_t key;
        } key;
        if (!reading_.get(python.runtime + layout_.thread_key, key) || !key.made) return 0;
        const auto at = reinterpret_cast<uintptr_t>(pthread_getspecific(key.key));
        return is_own(at) ? at : 0;
    }
    uintptr_t thread_by_list() const {
        int steps = 0;
        for (uintptr_t each = reading_.pointer(python.runtime + layout_.interpreters);
             each && steps < kThreadsMost; each = reading_.pointer(each + layout_.next_interpreter), ++steps)
            for (uintptr_t thread = reading_.pointer(each + layout_.threads); thread && steps < kThreadsMost;
                 thread = reading_.pointer(thread + layout_.next_thread), ++steps)
                if (is_own(thread)) return thread;
        return 0;
    }

    void by_objects(uintptr_t thread) {
        uintptr_t loop = layout_.cframe_frame ? reading_.pointer(thread + layout_.cframe_frame) : 0;
        uintptr_t frame = reading_.pointer(thread + layout_.first);
        for (int steps = 0; frame && steps < kStepsMost; ++steps) {
            int last = -1;
            if (!reading_.get(frame + layout_.instruction, last)) return;
            const int64_t at = layout_.lines == Lines::kRanges ? int64_t{last} * 2 : last;
            if (!add(reading_.pointer(frame + layout_.code), at, loop, TARN_FRAME_ENTRY)) return;
            if (loop) loop = reading_.pointer(loop + layout_.cframe_previous);
            frame = reading_.pointer(frame + layout_.previous);
        }
    }

    void by_cframes(uintptr_t thread) {
        uintptr_t loop = reading_.pointer(thread + layout_.first);
        uintptr_t frame = loop ? reading_.pointer(loop + layout_.cframe_frame) : 0;
        for (int steps = 0; frame && steps < kStepsMost; ++steps) {
            uint8_t ends = 0;
            if (layout_.chain == Chain::kShims) {
                if (!reading_.get(frame + layout_.owner, ends)) return;
                ends = ends >= layout_.shim;
                if (!ends && !add_frame(frame, loop)) return;
            } else {
                if (!reading_.get(frame + layout_.is_entry, ends) || !add_frame(frame, loop)) return;
            }
            if (ends && loop) loop = reading_.pointer(loop + layout_.cframe_previous);
            frame = reading_.pointer(frame + layout_.previous);
        }
    }

    void by_shims(uintptr_t thread) {
        uintptr_t loop = 0;
        uintptr_t frame = reading_.pointer(thread + layout_.first);
        for (int steps = 0; frame && steps < kStepsMost; ++steps) {
            uint8_t owner;
            if (!reading_.get(frame + layout_.owner, owner)) return;
            if (owner >= layout_.shim) {
                loop = 0;
            } else {
                if (!loop) loop = shim_behind(frame);
                if (!add_frame(frame, loop)) return;
            }
            frame = reading_.pointer(frame + layout_.previous);
        }
    }
    uintptr_t shim_behind(uintptr_t frame) const {
        for (int steps = 0; frame && steps < kStepsMost; ++steps) {
            uint8_t owner;
            if (!reading_.get(frame + layout_.owner, owner)) return 0;
            if (owner >= layout_.shim) return frame;
            frame = reading_.pointer(frame + layout_.previous);
        }
        return 0;
    }

    bool add_frame(uintptr_t frame, uintptr_t loop) {
        const uintptr_t code = reading_.pointer(frame + layout_.code) & ~kTags;
        const uintptr_t at = reading_.pointer(frame + layout_.instruction);
        return add(code, at ? static_cast<int64_t>(at - (code + layout_.instructions)) : -1, loop, 0);
    }

    // False: that was the last one. What is no code is left out.
    bool add(uintptr_t code, int64_t at, uintptr_t loop, uint32_t flags) {
        if (!code || reading_.pointer(code + kTypeAt) != python.code_type) return true;
        tarn_frame frame = {};
        char* const room = reading_.scratch();
        text(reading_.pointer(code + layout_.name), room, kFunctionRoom, frame.function,
             frame.function_length);
        text(reading_.pointer(code + layout_.filename), room + kFunctionRoom, kFileRoom, frame.file,
             frame.file_length);
        int first = 0;
        const uintptr_t table = reading_.pointer(code + layout_.line_table);
        int64_t size = 0;
        if (reading_.get(code + layout_.first_line, first) && table &&
            reading_.get(table + layout_.bytes_size, size) && size >= 0)
            frame.line = python_line(reading_, layout_.lines, table + layout_.bytes_data,
                                     static_cast<size_t>(size), at, first);
        frame.place = reinterpret_cast<const void*>(loop);
        frame.flags = flags;
        return reading_.add(frame);
    }

    void text(uintptr_t string, char* room, size_t most, const char*& found, uint32_t& length) const {
        constexpr int64_t kLongest = 1 << 20;
        uint32_t state;
        int64_t count;
        if (!string || reading_.pointer(string + kTypeAt) != python.string_type ||
            !reading_.get(string + layout_.string_state, state) ||
            !reading_.get(string + layout_.string_length, count) || count < 0 || count > kLongest)
            return;
        // Some builds of 3.14 have a word of 16 bits where others have two bits, and then no kind so low.
        state >>= state >> layout_.string_kind_bit & 7 ? layout_.string_kind_bit : kWideKindBit;
        const size_t width = state & 7;
        const bool compact = state & 8, ascii = state & 16;
        if (!compact) return;
        if (ascii) {
            found = reinterpret_cast<const char*>(string + layout_.ascii_size);
            length = static_cast<uint32_t>(count);
            return;
        }
        if (width != 1 && width != 2 && width != 4) return;
        Utf8 out(room, most);
        uintptr_t from = string + layout_.string_size;
        for (; count > 0 && out.has_room(); --count, from += width) {
            uint32_t c = 0;
            if (!reading_.copy(from, &c, width)) return;
            out.add(c);
        }
        found = room;
        length = out.length();
    }

    Reading reading_;
    const PythonLayout& layout_;
};

void walk(tarn_frames* frames, void*) {
    Walk(frames).all();
}

constinit char name[64] = "CPython";
constinit tarn_frames_provider provider = without_frames(name);

// "3.11.2 (main, ...": what stands before the blank, and the number in the middle.
int minor_version() {
    const auto version = reinterpret_cast<const char* (*)()>(dlsym(RTLD_DEFAULT, "Py_GetVersion"));
    const char* const text = version ? version() : nullptr;
    if (!text || strncmp(text, "3.", 2) != 0) return -1;
    constexpr size_t kPrefix = 8;  // "CPython "
    name[kPrefix - 1] = ' ';
    for (size_t i = 0; text[i] && text[i] != ' ' && kPrefix + i + 1 < sizeof name; ++i)
        name[kPrefix + i] = text[i];
    return atoi(text + 2);
}

const char* pools() {
    const char* const set = getenv("PYTHONMALLOC");
    if (set && strncmp(set, "malloc", 6) == 0) return nullptr;
    return "objects of up to 512 bytes lie in arenas that Python maps for itself, and no malloc sees: with "
           "PYTHONMALLOC=malloc each of them is seen";
}

template <class Type>
uintptr_t address_of(Type symbol) {
    return reinterpret_cast<uintptr_t>(dlsym(RTLD_DEFAULT, symbol));
}

bool prepare(const char*& why) {
    const int minor = minor_version();
    python.runtime = address_of("_PyRuntime");
    python.code_type = address_of("PyCode_Type");
    python.string_type = address_of("PyUnicode_Type");
    why = "its symbols are not there";
    if (!python.runtime || !python.code_type || !python.string_type) return false;
    if (!python_layout(minor, reinterpret_cast<const void*>(python.runtime), python.layout, why))
        return false;
    if (python.layout.minor >= 12) {
        // Bound by this first call: it is made inside malloc later, where no symbol may be looked up.
        python.current_thread = reinterpret_cast<void* (*)()>(
            dlsym(RTLD_DEFAULT,
                  python.layout.minor == 12 ? "_PyThreadState_UncheckedGet" : "PyThreadState_GetUnchecked"));
        if (python.current_thread) python.current_thread();
    }
    if (python.layout.chain == Chain::kObjects && !python.layout.cframe_frame) {
        const Code loop = code_of("_PyEval_EvalFrameDefault");
        set_loop(provider, loop);
    }
    return true;
}

}  // namespace

}  // namespace tarn::frames

extern "C" [[gnu::visibility("default")]] void tarn_frames_module(tarn_frames_registrar registrar) {
    using namespace tarn::frames;
    const char* why = nullptr;
    if (prepare(why)) {
        provider.walk = walk;
        provider.note = pools();
    } else {
        provider.note = why;
    }
    registrar(&provider);
}
