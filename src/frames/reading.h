// SPDX-License-Identifier: MIT
// What the providers of this room read: memory of an interpreter, which may not be what it was taken for.
#pragma once
#include <cstddef>
#include <cstdint>

#include "tarn/frames.h"

namespace tarn::frames {

class Reading {
  public:
    explicit Reading(tarn_frames* frames) : frames_(frames) {}

    bool copy(uintptr_t at, void* to, size_t bytes) const {
        return at != 0 && frames_->read(frames_, reinterpret_cast<const void*>(at), to, bytes) == 0;
    }
    template <class T>
    bool get(uintptr_t at, T& value) const {
        return copy(at, &value, sizeof value);
    }
    // 0: it cannot be read, or is NULL.
    uintptr_t pointer(uintptr_t at) const {
        uintptr_t value = 0;
        return get(at, value) ? value : 0;
    }
    // False: no more are taken.
    bool add(const tarn_frame& frame) const { return frames_->add(frames_, &frame) == 0; }
    char* scratch() const { return static_cast<char*>(frames_->scratch); }

  private:
    tarn_frames* frames_;
};

// In the interpreter's memory, or in the scratch.
struct Text {
    const char* begin = nullptr;
    uint32_t length = 0;
};

// A list that leads round in a circle, or is none.
inline constexpr int kStepsMost = 1 << 16;

// Text in the making, from characters; what does not fit is left out.
class Utf8 {
  public:
    Utf8(char* room, size_t size) : room_(room), size_(size) {}
    void add(uint32_t c) {
        if (c < 0x80) return put(c);
        if (c < 0x800) return put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
        if (c < 0x10000) return put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
        put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)),
            put(0x80 | (c & 0x3f));
    }
    bool has_room() const { return length_ + 4 <= size_; }
    uint32_t length() const { return static_cast<uint32_t>(length_); }

  private:
    void put(uint32_t byte) {
        if (length_ < size_) room_[length_++] = static_cast<char>(byte);
    }
    char* room_;
    size_t size_, length_ = 0;
};

// The code of a function that is exported. By the constructor: it asks the dynamic linker.
struct Code {
    const void* begin;
    size_t size;
};
Code code_of(const char* symbol);

// What is registered, until it is known that its frames can be walked.
constexpr tarn_frames_provider without_frames(const char* interpreter) {
    return {.size = sizeof(tarn_frames_provider),
            .interpreter = interpreter,
            .note = nullptr,
            .walk = nullptr,
            .data = nullptr,
            .loop = nullptr,
            .loop_size = 0};
}
inline void set_loop(tarn_frames_provider& provider, const Code& loop) {
    provider.loop = loop.begin;
    provider.loop_size = loop.size;
}

}  // namespace tarn::frames
