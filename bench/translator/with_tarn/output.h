// SPDX-License-Identifier: MIT
// Text that is written piece by piece to a buffer of tarn's, whose room is used again for the next file.
#pragma once
#include <charconv>
#include <cstring>
#include <string_view>

#include "tarn/buffer.hpp"

namespace with_tarn {

// Its end. There is room for 20 digits.
inline char* write_number(char* to, uint64_t value) {
    if (value < 10) {
        *to = static_cast<char>('0' + value);
        return to + 1;
    }
    return std::to_chars(to, to + 20, value).ptr;
}

// Its room ends 64 bytes before the buffer's padding does, so that writing a little too much is no fault.
class Output {
  public:
    explicit Output(size_t room) {
        buffer_.reserve(room);
        clear();
    }

    void clear() {
        next_ = buffer_.data();
        end_ = next_ + buffer_.capacity();
    }
    std::string_view text() const {
        return {buffer_.data(), static_cast<size_t>(next_ - buffer_.data())};
    }

    // The length is known where it is called: a few stores.
    template <size_t kSize>
    void literal(const char (&text)[kSize]) {
        room(kSize);
        memcpy(next_, text, kSize - 1);
        next_ += kSize - 1;
    }
    void letter(char c) {
        room(1);
        *next_++ = c;
    }
    void text(std::string_view text) {
        room(text.size());
        copy(next_, text.data(), text.size());
        next_ += text.size();
    }
    void spaces(size_t count) {
        room(count);
        memset(next_, ' ', count);
        next_ += count;
    }
    void number(uint64_t value) {
        room(20);
        next_ = write_number(next_, value);
    }
    // 16 bytes at a time: what lies behind the text, up to a multiple of that, must be readable.
    void padded(const char* text, size_t length) {
        room(length);
        for (size_t i = 0; i < length; i += 16) memcpy(next_ + i, text + i, 16);
        next_ += length;
    }

  private:
    void room(size_t wanted) {
        if (wanted > static_cast<size_t>(end_ - next_)) [[unlikely]]
            grow(wanted);
    }
    [[gnu::noinline]] void grow(size_t wanted) {
        const size_t size = static_cast<size_t>(next_ - buffer_.data());
        buffer_.resize_uninitialized(size);
        buffer_.resize_uninitialized(size + wanted + size);
        next_ = buffer_.data() + size;
        end_ = buffer_.data() + buffer_.capacity();
    }
    // Names and words are short: two loads and stores that may overlap.
    static void copy(char* to, const char* from, size_t length) {
        if (length > 32) {
            memcpy(to, from, length);
        } else if (length >= 16) {
            two<16>(to, from, length);
        } else if (length >= 8) {
            two<8>(to, from, length);
        } else if (length >= 4) {
            two<4>(to, from, length);
        } else {
            for (size_t i = 0; i < length; ++i) to[i] = from[i];
        }
    }
    template <size_t kSize>
    static void two(char* to, const char* from, size_t length) {
        struct Part {
            char bytes[kSize];
        } first, last;
        memcpy(&first, from, kSize);
        memcpy(&last, from + length - kSize, kSize);
        memcpy(to, &first, kSize);
        memcpy(to + length - kSize, &last, kSize);
    }

    tarn::AlignedBuffer<char> buffer_;
    char* next_;
    char* end_;
};

}  // namespace with_tarn
