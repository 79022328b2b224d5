// SPDX-License-Identifier: MIT
// Two bits a unit, 64 units a word, and the searches over them. No lock: runs.cpp holds it.
//
//   free:  nobody has the unit, and it is committed        dirty: free, and perhaps resident and not zero
//   dirty is a subset of free. A unit that is being returned to the OS is neither: nobody can take it.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn {

struct UnitBits {
    uint64_t free, dirty;
};

enum class UnitKind { kFree, kDirty };

class UnitMap {
  public:
    static constexpr size_t kNone = SIZE_MAX;

    UnitMap(UnitBits* words, size_t units) : words_(words), units_(units) {}

    // First unit of the lowest `length` consecutive units of this kind, of which there are none below `from`.
    size_t find(UnitKind kind, size_t length, size_t from) const {
        size_t run = 0;  // units of this kind right before `unit`
        for (size_t word = from / 64; word * 64 < units_; ++word) {
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

    // The highest dirty unit below `end`, or kNone.
    size_t last_dirty(size_t end) const {
        for (size_t word = (end + 63) / 64; word-- > 0;) {
            uint64_t bits = words_[word].dirty;
            if (word == end / 64) bits &= (uint64_t{1} << (end % 64)) - 1;
            if (bits) return word * 64 + 63 - static_cast<size_t>(__builtin_clzll(bits));
        }
        return kNone;
    }

    bool dirty(size_t unit) const { return words_[unit / 64].dirty >> (unit % 64) & 1; }
    bool free(size_t unit) const { return words_[unit / 64].free >> (unit % 64) & 1; }

    size_t count_dirty(size_t unit, size_t length) const {
        size_t count = 0;
        for (size_t i = unit; i < unit + length; ++i)
            count += dirty(i);
        return count;
    }

    void set(size_t unit, size_t length, UnitKind kind) {
        for (size_t i = unit; i < unit + length; ++i) {
            words_[i / 64].free |= uint64_t{1} << (i % 64);
            if (kind == UnitKind::kDirty) words_[i / 64].dirty |= uint64_t{1} << (i % 64);
        }
    }
    void clear(size_t unit, size_t length) {
        for (size_t i = unit; i < unit + length; ++i) {
            words_[i / 64].free &= ~(uint64_t{1} << (i % 64));
            words_[i / 64].dirty &= ~(uint64_t{1} << (i % 64));
        }
    }

  private:
    uint64_t word_bits(UnitKind kind, size_t word) const {
        return kind == UnitKind::kFree ? words_[word].free : words_[word].dirty;
    }

    UnitBits* words_;
    size_t units_;
};

}  // namespace tarn
