// SPDX-License-Identifier: MIT
// What is known of a source before it is tokenised, a bit for each byte: the next token, or the end of a
// word, is found by counting zeros or ones, whatever lies between. (The first stage of simdjson: Geoff
// Langdale and Daniel Lemire, "Parsing Gigabytes of JSON per Second", 2019.)
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "tarn/scan.h"

namespace with_tarn {

class Marks {
  public:
    static constexpr size_t kRunMost = 57;  // a run of at least this length may be longer than run() says

    void set(std::string_view source, const tarn_byte_set& in_words, const tarn_byte_set& blanks) {
        const size_t words = source.size() / 64 + 2;  // one more than has bits, since 8 bytes are loaded
        if (words_.size() < words) {
            words_.resize(words);
            starts_.resize(words);
        }
        words_[words - 2] = starts_[words - 2] = 0;
        tarn_mark_any(source.data(), source.size(), &in_words, words_.data());
        tarn_mark_any(source.data(), source.size(), &blanks, starts_.data());
        uint64_t last = 0;  // whether the byte in front is in a word
        for (size_t i = 0; i < words - 1; ++i) {
            starts_[i] = ~(starts_[i] | (words_[i] & (words_[i] << 1 | last)));
            last = words_[i] >> 63;
        }
    }

    // How many bytes from this one on are in a word.
    size_t run(size_t at) const { return static_cast<size_t>(std::countr_one(bits(words_, at))); }

    // The first byte from this one on that is no blank and not within a word, where nothing but texts and
    // comments could hide that a token begins. What lies behind the end counts as such.
    size_t next(size_t at) const {
        for (;;) {
            if (const uint64_t found = bits(starts_, at)) [[likely]]
                return at + static_cast<size_t>(std::countr_zero(found));
            at = (at & ~size_t{7}) + 64;
        }
    }

  private:
    // At least kRunMost, the lowest for the byte itself.
    static uint64_t bits(const std::vector<uint64_t>& marks, size_t at) {
        static_assert(std::endian::native == std::endian::little);
        uint64_t loaded;
        memcpy(&loaded, reinterpret_cast<const char*>(marks.data()) + at / 8, sizeof loaded);
        return loaded >> at % 8;
    }

    std::vector<uint64_t> words_, starts_;
};

}  // namespace with_tarn
