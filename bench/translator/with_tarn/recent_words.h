// SPDX-License-Identifier: MIT
// The words that a thread has met last, in front of the interner: in a program most words are short, and many
// are the same. A word of up to 16 bytes is compared as two numbers, one of up to 32 as four, without a call
// and without a loop.
#pragma once
#include <cstdint>
#include <cstring>
#include <new>

#include "with_tarn/tree.h"

namespace with_tarn {

class RecentWords {
  public:
    struct Found {
        const Interned* name;
        Kind kind;  // kName or a keyword's
    };

    // At least 32 bytes may be read at `text`.
    Found intern(tarn_interner* names, const char* text, size_t length) {
        if (length > 16) return intern_long(names, text, length);
        return short_.intern(names, text, length, part(text, length), part(text + 8, length, 8));
    }

  private:
    // Eight bytes of the word, those behind its end being 0.
    static uint64_t part(const char* text, size_t length, size_t before = 0) {
        uint64_t loaded;
        memcpy(&loaded, text, sizeof loaded);
        return loaded & kMasks.of[length + 32 - before];
    }
    struct Masks {
        uint64_t of[32 + 33];
    };
    static constexpr Masks kMasks = [] {  // by bytes of the part that are of the word, and 32 more
        Masks made{};
        for (size_t i = 0; i < std::size(made.of); ++i)
            made.of[i] = i <= 32 ? 0 : i < 40 ? (uint64_t{1} << 8 * (i - 32)) - 1 : ~uint64_t{0};
        return made;
    }();
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

    // Any odd numbers; the products do not wait for each other.
    static constexpr uint64_t kFactors[] = {0x9e3779b97f4a7c15, 0xd6e8feb86659fd93, 0xbf58476d1ce4e5b9,
                                            0x94d049bb133111eb};

    // Direct-mapped.
    template <size_t kParts, unsigned kBits>
    class Table {
      public:
        template <class... Parts>
        Found intern(tarn_interner* names, const char* text, size_t length, Parts... parts) {
            static_assert(sizeof...(parts) == kParts);
            uint64_t hash = 0, differing = 0;
            const uint64_t* factor = kFactors;
            ((hash ^= parts * *factor++), ...);
            Known& known = words_[hash >> (64 - kBits)];
            const uint64_t* part = known.parts;
            ((differing |= *part++ ^ parts), ...);
            if (differing) [[unlikely]]
                known = {{parts...}, intern_slow(names, text, length)};
            return known.found;
        }

      private:
        struct Known {
            uint64_t parts[kParts] = {};  // all 0: none
            Found found{};
        };
        Known words_[size_t{1} << kBits];
    };

    [[gnu::noinline]] Found intern_long(tarn_interner* names, const char* text, size_t length) {
        if (length > 32) return intern_slow(names, text, length);
        return long_.intern(names, text, length, part(text, 8), part(text + 8, 8),
                            part(text + 16, length, 16), part(text + 24, length, 24));
    }
    [[gnu::noinline]] static Found intern_slow(tarn_interner* names, const char* text, size_t length) {
        const Interned* const name = tarn_intern(names, text, length);
        if (!name) throw std::bad_alloc();
        const int keyword = tarn_interned_keyword(name);
        return {name, keyword < 0 ? Kind::kName : static_cast<Kind>(keyword)};
    }

    Table<2, 10> short_;
    Table<4, 8> long_;
};

}  // namespace with_tarn
