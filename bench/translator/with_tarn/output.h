// SPDX-License-Identifier: MIT
// Text that is written piece by piece to a buffer of tarn's, whose room is used again for the next file.
// The end of the text travels through the writing functions, so that it stays in a register.
#pragma once
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "tarn/buffer.hpp"

namespace with_tarn {

class Output {
  public:
    explicit Output(size_t room) {
        buffer_.reserve(room);
        limit_ = buffer_.data() + buffer_.capacity();
    }

    char* begin() { return buffer_.data(); }

    // Where to go on writing: there is room for `wanted` bytes and 64 more.
    char* room(char* end, size_t wanted) {
        if (wanted > static_cast<size_t>(limit_ - end)) [[unlikely]]
            return grow(end, wanted);
        return end;
    }

  private:
    [[gnu::noinline]] char* grow(char* end, size_t wanted) {
        const size_t size = static_cast<size_t>(end - buffer_.data());
        buffer_.resize_uninitialized(size);  // what is kept
        buffer_.resize_uninitialized(2 * size + wanted);
        limit_ = buffer_.data() + buffer_.capacity();
        return buffer_.data() + size;
    }

    tarn::AlignedBuffer<char> buffer_;
    char* limit_;
};

// These write to where there is room, and return the end.

// The length is known where it is called: a few stores.
template <size_t kSize>
char* write(char* to, const char (&text)[kSize]) {
    memcpy(to, text, kSize - 1);
    return to + kSize - 1;
}
inline char* write(char* to, std::string_view text) {
    memcpy(to, text.data(), text.size());
    return to + text.size();
}
inline char* write(char* to, char c) {
    *to = c;
    return to + 1;
}
// 16 bytes at a time: what lies behind the text, up to a multiple of that, can be read, and is written, too.
inline char* write_padded(char* to, const char* text, size_t length) {
    for (size_t i = 0; i < length; i += 16)
        memcpy(to + i, text + i, 16);
    return to + length;
}
// A word of the language or of C, of at most 16 bytes, with zeros behind it.
struct Word {
    constexpr explicit Word(std::string_view word) : length(word.size()) {
        for (size_t i = 0; i < word.size(); ++i)
            text[i] = word[i];
    }
    char text[16] = {};
    size_t length;
};
template <size_t kWords>
constexpr std::array<Word, kWords> words_of(const std::array<std::string_view, kWords>& words) {
    return [&]<size_t... kIndex>(std::index_sequence<kIndex...>) {
        return std::array<Word, kWords>{Word(words[kIndex])...};
    }
    (std::make_index_sequence<kWords>());
}
inline char* write(char* to, const Word& word) {
    memcpy(to, word.text, sizeof word.text);
    return to + word.length;
}
// At most 20 digits.
inline char* write_number(char* to, uint64_t value) {
    if (value < 10) return write(to, static_cast<char>('0' + value));
    return std::to_chars(to, to + 20, value).ptr;
}

}  // namespace with_tarn
