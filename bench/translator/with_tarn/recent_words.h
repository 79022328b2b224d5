// SPDX-License-Identifier: MIT
// The words that a thread has met last, in front of the interner: in a program most words are short, and many
// are the same. A word of up to 16 bytes is compared as two numbers, without a call and without a loop.
#pragma once
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include "with_tarn/tree.h"

namespace with_tarn {

class RecentWords {
  public:
    struct Found {
        const Interned* name;
        Kind kind;  // kName or a keyword's
    };

    // At least 16 bytes may be read at `text`.
    Found intern(tarn_interner* names, const char* text, size_t length) {
        if (length > 16) return intern_slow(names, text, length);
        uint64_t low, high;
        memcpy(&low, text, 8);
        memcpy(&high, text + 8, 8);
        low &= kMasks[length][0];
        high &= kMasks[length][1];
        Word& word = words_[((low ^ high * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u) >> (64 - kBits)];
        if (word.low != low || word.high != high) [[unlikely]] {
            const Found found = intern_slow(names, text, length);
            word = {low, high, found};
        }
        return word.found;
    }

  private:
    static constexpr unsigned kBits = 9;
    struct Word {
        uint64_t low = 0, high = 0;  // its bytes, then zeros; both 0: none
        Found found{};
    };
    struct Masks {
        uint64_t of[17][2];
        constexpr const uint64_t* operator[](size_t length) const { return of[length]; }
    };
    static constexpr Masks kMasks = [] {
        Masks made{};
        for (size_t length = 1; length <= 16; ++length) {
            made.of[length][0] = length < 8 ? (uint64_t{1} << 8 * length) - 1 : ~uint64_t{0};
            made.of[length][1] = length <= 8   ? 0
                                 : length < 16 ? (uint64_t{1} << 8 * (length - 8)) - 1
                                               : ~uint64_t{0};
        }
        return made;
    }();
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

    [[gnu::noinline]] static Found intern_slow(tarn_interner* names, const char* text, size_t length) {
        const Interned* const name = tarn_intern(names, text, length);
        if (!name) throw std::bad_alloc();
        const int keyword = tarn_interned_keyword(name);
        return {name, keyword < 0 ? Kind::kName : static_cast<Kind>(keyword)};
    }

    Word words_[size_t{1} << kBits];
};

}  // namespace with_tarn
