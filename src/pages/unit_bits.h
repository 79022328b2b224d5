// SPDX-License-Identifier: MIT
// Two bits a unit, 64 units a word, for the units of one window, and the searches over them. No lock:
// runs.cpp holds it.
//
//     free  other
//      1     0     clean: nobody has it; it is mapped and all zero
//      1     1     dirty: nobody has it; perhaps resident and not zero
//      0     1     hole:  nobody has it, and there is no memory behind the address
//      0     0     taken, or on its way back to the kernel: nobody can take it
#pragma once
#include <cstddef>
#include <cstdint>

#include "pages/units.h"

namespace tarn {

struct UnitBits {
    uint64_t free, other;
};

enum class UnitState : uint8_t { kTaken, kClean, kDirty, kHole };

// The units that a search may find.
enum class UnitKind : uint8_t { kDirty, kMapped, kAny };
inline constexpr int kUnitKinds = 3;

struct UnitCounts {
    Units clean, dirty, holes;
};

class UnitMap {
  public:
    static constexpr size_t kNone = SIZE_MAX;

    UnitMap(UnitBits* words, Units units) : words_(words), end_(units.count()) {}

    UnitState state(size_t unit) const {
        const bool free = words_[unit / 64].free >> (unit % 64) & 1;
        const bool other = words_[unit / 64].other >> (unit % 64) & 1;
        if (free) return other ? UnitState::kDirty : UnitState::kClean;
        return other ? UnitState::kHole : UnitState::kTaken;
    }

    // First unit of the lowest `wanted` consecutive units of this kind.
    size_t find(UnitKind kind, Units wanted) const {
        const size_t length = wanted.count();
        size_t run = 0;  // units of this kind right before `unit`
        for (size_t word = 0; word * 64 < end_; ++word) {
            const uint64_t bits = word_bits(kind, word);
            if (bits == 0) {
                run = 0;
                continue;
            }
            if (bits == ~uint64_t{0}) {
                run += 64;
                if (run >= length) return word * 64 + 64 - run;
                continue;
            }
            for (unsigned bit = 0; bit < 64;) {
                const uint64_t rest = bits >> bit;
                if (rest == 0) {
                    run = 0;
                    break;
                }
                const unsigned gap = static_cast<unsigned>(__builtin_ctzll(rest));
                if (gap) run = 0;
                bit += gap;
                const uint64_t inverse = ~(bits >> bit);
                unsigned ones = inverse ? static_cast<unsigned>(__builtin_ctzll(inverse)) : 64;
                if (ones > 64 - bit) ones = 64 - bit;
                run += ones;
                if (run >= length) return word * 64 + bit + ones - run;
                bit += ones;
            }
        }
        return kNone;
    }

    // The highest unit of this kind below `end`, or kNone.
    size_t last(UnitKind kind, size_t end) const {
        for (size_t word = (end + 63) / 64; word-- > 0;) {
            uint64_t bits = word_bits(kind, word);
            if (word == end / 64) bits &= (uint64_t{1} << (end % 64)) - 1;
            if (bits) return word * 64 + 63 - static_cast<size_t>(__builtin_clzll(bits));
        }
        return kNone;
    }

    Units count(UnitState state, size_t first, Units length) const {
        size_t total = 0;
        each_word(first, length, [&](const UnitBits& word, uint64_t mask) {
            const uint64_t bits = state == UnitState::kClean   ? word.free & ~word.other
                                  : state == UnitState::kDirty ? word.free & word.other
                                  : state == UnitState::kHole  ? ~word.free & word.other
                                                               : ~word.free & ~word.other;
            total += ones(bits & mask);
        });
        return Units{total};
    }

    // What they were.
    UnitCounts set(size_t first, Units length, UnitState state) const {
        const uint64_t free = state == UnitState::kClean || state == UnitState::kDirty ? ~uint64_t{0} : 0;
        const uint64_t other = state == UnitState::kDirty || state == UnitState::kHole ? ~uint64_t{0} : 0;
        UnitCounts were;
        each_word(first, length, [&](UnitBits& word, uint64_t mask) {
            const uint64_t was_free = word.free & mask, was_other = word.other & mask;
            const uint64_t was_dirty = was_free & was_other;
            were.dirty += Units{ones(was_dirty)};
            were.clean += Units{ones(was_free ^ was_dirty)};
            were.holes += Units{ones(was_other ^ was_dirty)};
            word.free = (word.free & ~mask) | (free & mask);
            word.other = (word.other & ~mask) | (other & mask);
        });
        return were;
    }

  private:
    // Mostly none, or in a row. To count bits is a call where the processor may lack the instruction.
    static size_t ones(uint64_t bits) {
        if (bits == 0) return 0;
        const uint64_t row = bits >> __builtin_ctzll(bits);
        if ((row & (row + 1)) != 0) return static_cast<size_t>(__builtin_popcountll(bits));
        return row == ~uint64_t{0} ? 64 : static_cast<size_t>(__builtin_ctzll(row + 1));
    }

    uint64_t word_bits(UnitKind kind, size_t word) const {
        const UnitBits& bits = words_[word];
        return kind == UnitKind::kDirty    ? bits.free & bits.other
               : kind == UnitKind::kMapped ? bits.free
                                           : bits.free | bits.other;
    }

    // act(word, the bits of these units in it)
    template <class Act>
    void each_word(size_t first, Units length, Act act) const {
        const size_t end = first + length.count();
        while (first < end) {
            const size_t bit = first % 64;
            const size_t here = end - first < 64 - bit ? end - first : 64 - bit;
            act(words_[first / 64], (~uint64_t{0} >> (64 - here)) << bit);
            first += here;
        }
    }

    UnitBits* words_;
    size_t end_;  // of the last unit
};

}  // namespace tarn
