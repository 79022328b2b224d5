// SPDX-License-Identifier: MIT
// The loops of the scanner, for the vectors of one version; included once by each version's file, after these
// and within the compiler's switch for its instructions:
//   Narrow, Wide   vectors of 16 bytes, and of 16 or more; static functions of both:
//     Bytes, kSize, load(p), fill(byte), both(two words) [Narrow], row(16 bytes: in every 16 of the vector)
//     equal, different, either (bytes: 0xff or 0), common, flip (bits)
//     look_up(row, index(bytes)): by the lower half of each, 0 from 128 on; upper_half(bytes)
//     any(bytes), mask(bytes): kBits bits per byte, all set or none; bits(bytes): one bit per byte
//     subtract(bytes, bytes), sum(bytes): of unsigned bytes
//   Here           the version's class
// Nothing is read outside of the given length: vectors at the end overlap those before, and fewer than 16
// bytes are loaded as two words that overlap (scan_bytes.h).
#include "scan/bytes.h"
#include "scan/version.h"

namespace tarn::scan {
namespace {

// What is looked for: hits(i) of the vector at i, and of fewer than 16 bytes in all.
template <typename V>
struct Byte {
    const uint8_t* bytes;
    typename V::Bytes wanted;
    [[gnu::always_inline]] Byte(const uint8_t* from, uint8_t byte) : bytes(from), wanted(V::fill(byte)) {}
    [[gnu::always_inline]] typename V::Bytes hits(size_t i) const {
        return V::equal(V::load(bytes + i), wanted);
    }
    [[gnu::always_inline]] typename V::Bytes few(size_t length) const {
        return V::equal(V::both(load_few(bytes, length)), wanted);
    }
};

alignas(16) constexpr uint8_t kBitOfRow[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};

// A set of bytes: sixteen by lower half each, of the bytes below 128 and of the others, a bit for every upper
// half.
template <typename V>
struct Set {
    using Bytes = typename V::Bytes;
    Bytes low, high, bit;

    [[gnu::always_inline]] explicit Set(const tarn_byte_set& set)
        : low(V::row(set.rows)), high(V::row(set.rows + 16)), bit(V::row(kBitOfRow)) {}
    // The bit of each byte that says whether it is in the set, and that bit alone. A look-up gives 0 for an
    // index of 128 and more, so each of the two tables sees its own half only.
    struct Looked {
        Bytes found, bit;
    };
    [[gnu::always_inline]] Looked look(Bytes a) const {
        const Bytes index = V::index(a);
        const Bytes lower = V::look_up(low, index);
        const Bytes upper = V::look_up(high, V::flip(index, V::fill(0x80)));
        const Bytes wanted = V::look_up(bit, V::upper_half(a));
        return {V::common(V::either(lower, upper), wanted), wanted};
    }
    [[gnu::always_inline]] Bytes has(Bytes a) const {
        const Looked looked = look(a);
        return V::equal(looked.found, looked.bit);
    }
    [[gnu::always_inline]] Bytes has_not(Bytes a) const { return V::equal(look(a).found, V::fill(0)); }
};

template <typename V>
struct Member {
    const uint8_t* bytes;
    Set<V> set;
    [[gnu::always_inline]] Member(const uint8_t* from, const tarn_byte_set& wanted)
        : bytes(from), set(wanted) {}
    [[gnu::always_inline]] typename V::Bytes hits(size_t i) const { return set.has(V::load(bytes + i)); }
    [[gnu::always_inline]] typename V::Bytes few(size_t length) const {
        return set.has(V::both(load_few(bytes, length)));
    }
};

template <typename V>
struct Stranger {
    const uint8_t* bytes;
    Set<V> set;
    [[gnu::always_inline]] Stranger(const uint8_t* from, const tarn_byte_set& unwanted)
        : bytes(from), set(unwanted) {}
    [[gnu::always_inline]] typename V::Bytes hits(size_t i) const { return set.has_not(V::load(bytes + i)); }
    [[gnu::always_inline]] typename V::Bytes few(size_t length) const {
        return set.has_not(V::both(load_few(bytes, length)));
    }
};

template <typename V>
struct Difference {
    const uint8_t *bytes, *others;
    [[gnu::always_inline]] Difference(const uint8_t* one, const uint8_t* other) : bytes(one), others(other) {}
    [[gnu::always_inline]] typename V::Bytes hits(size_t i) const {
        return V::different(V::load(bytes + i), V::load(others + i));
    }
    [[gnu::always_inline]] typename V::Bytes few(size_t length) const {
        return V::different(V::both(load_few(bytes, length)), V::both(load_few(others, length)));
    }
};

template <typename V>
[[gnu::always_inline]] inline size_t first_of(uint64_t mask) {
    return static_cast<size_t>(__builtin_ctzll(mask)) / V::kBits;
}

// The rest of a long search: four vectors at a time from `i` on; where it stopped, and a hit there or not.
struct Stop {
    size_t at;
    bool hit;
};

template <typename V, typename Wanted>
[[gnu::always_inline]] inline Stop search_by_four(const Wanted& wanted, size_t i, size_t length) {
    constexpr size_t kSize = V::kSize;
    for (; i + 4 * kSize <= length; i += 4 * kSize) {
        const auto a = wanted.hits(i), b = wanted.hits(i + kSize);
        const auto c = wanted.hits(i + 2 * kSize), d = wanted.hits(i + 3 * kSize);
        const auto ab = V::either(a, b);
        if (!V::any(V::either(ab, V::either(c, d)))) [[likely]]
            continue;
        if (const uint64_t mask = V::mask(a)) return {i + first_of<V>(mask), true};
        if (const uint64_t mask = V::mask(b)) return {i + kSize + first_of<V>(mask), true};
        if (const uint64_t mask = V::mask(c)) return {i + 2 * kSize + first_of<V>(mask), true};
        return {i + 3 * kSize + first_of<V>(V::mask(d)), true};
    }
    return {i, false};
}

// Where the first aligned vector begins that is not the first one.
template <typename V>
[[gnu::always_inline]] inline size_t aligned_after(const uint8_t* bytes) {
    return V::kSize - reinterpret_cast<uintptr_t>(bytes) % V::kSize;
}

// At least one vector long. After the first, loads from `bytes` are aligned.
template <typename V, typename Wanted>
[[gnu::always_inline]] inline size_t search_long(const Wanted& wanted, size_t length) {
    if (const uint64_t mask = V::mask(wanted.hits(0))) return first_of<V>(mask);
    const Stop stop = search_by_four<V>(wanted, aligned_after<V>(wanted.bytes), length);
    if (stop.hit) return stop.at;
    size_t i = stop.at;
    for (; i + V::kSize <= length; i += V::kSize)
        if (const uint64_t mask = V::mask(wanted.hits(i))) return i + first_of<V>(mask);
    if (i >= length) return length;
    i = length - V::kSize;
    const uint64_t mask = V::mask(wanted.hits(i));
    return mask ? i + first_of<V>(mask) : length;
}

// One to two vectors long.
template <typename V, typename Wanted>
[[gnu::always_inline]] inline size_t search_two(const Wanted& wanted, size_t length) {
    if (const uint64_t mask = V::mask(wanted.hits(0))) return first_of<V>(mask);
    const size_t i = length - V::kSize;
    const uint64_t mask = V::mask(wanted.hits(i));
    return mask ? i + first_of<V>(mask) : length;
}

template <typename Wanted>
[[gnu::always_inline]] inline size_t search_few(const Wanted& wanted, size_t length) {
    if (length == 0) return 0;
    const uint64_t mask = Narrow::mask(wanted.few(length));
    return mask ? position_in_few(first_of<Narrow>(mask), length) : length;
}

template <template <typename> class Wanted, typename What>
[[gnu::always_inline]] inline size_t search(const uint8_t* bytes, size_t length, const What& what) {
    if (length < Narrow::kSize) return search_few(Wanted<Narrow>(bytes, what), length);
    static_assert(Wide::kSize <= 2 * Narrow::kSize);
    if (length < Wide::kSize) return search_two<Narrow>(Wanted<Narrow>(bytes, what), length);
    return search_long<Wide>(Wanted<Wide>(bytes, what), length);
}

// May read a vector, less one byte, behind the end.
template <template <typename> class Wanted, typename What>
[[gnu::always_inline]] inline size_t search_padded(const uint8_t* bytes, size_t length, const What& what) {
    static_assert(Wide::kSize <= TARN_SCAN_PADDING);
    if (length == 0) return 0;
    const Wanted<Wide> wanted(bytes, what);
    if (const uint64_t mask = Wide::mask(wanted.hits(0))) {
        const size_t at = first_of<Wide>(mask);
        return at < length ? at : length;
    }
    const Stop stop = search_by_four<Wide>(wanted, aligned_after<Wide>(bytes), length);
    if (stop.hit) return stop.at;
    for (size_t i = stop.at; i < length; i += Wide::kSize) {
        const uint64_t mask = Wide::mask(wanted.hits(i));
        if (!mask) continue;
        const size_t at = i + first_of<Wide>(mask);
        return at < length ? at : length;
    }
    return length;
}

// Bits of the hits from `i` on in the last vector, in part counted before.
template <typename V>
[[gnu::always_inline]] inline size_t count_last(const Byte<V>& wanted, size_t i, size_t length) {
    const uint64_t mask = V::mask(wanted.hits(length - V::kSize));
    return static_cast<size_t>(__builtin_popcountll(mask >> ((i - (length - V::kSize)) * V::kBits)));
}

// At least one vector long. Sums of bytes are taken before one of them can overflow.
template <typename V>
[[gnu::always_inline]] inline size_t count_long(const uint8_t* bytes, size_t length, uint8_t byte) {
    constexpr size_t kSize = V::kSize;
    constexpr size_t kTurns = 255;
    const Byte<V> wanted(bytes, byte);
    size_t count = 0, i = 0;
    while (i + 4 * kSize <= length) {
        auto a = V::fill(0), b = a, c = a, d = a;
        for (size_t turn = 0; turn < kTurns && i + 4 * kSize <= length; ++turn, i += 4 * kSize) {
            a = V::subtract(a, wanted.hits(i));
            b = V::subtract(b, wanted.hits(i + kSize));
            c = V::subtract(c, wanted.hits(i + 2 * kSize));
            d = V::subtract(d, wanted.hits(i + 3 * kSize));
        }
        count += V::sum(a) + V::sum(b) + V::sum(c) + V::sum(d);
    }
    size_t bits = 0;
    for (; i + kSize <= length; i += kSize)
        bits += static_cast<size_t>(__builtin_popcountll(V::mask(wanted.hits(i))));
    if (i < length) bits += count_last<V>(wanted, i, length);
    return count + bits / V::kBits;
}

// A bit for each of 64 bytes.
[[gnu::always_inline]] inline uint64_t marks_of_64(const Member<Wide>& wanted, size_t i) {
    uint64_t marks = 0;
    for (size_t at = 0; at < 64; at += Wide::kSize)
        marks |= Wide::bits(wanted.hits(i + at)) << at;
    return marks;
}

}  // namespace

template <>
size_t Here::find_byte(const uint8_t* bytes, size_t length, uint8_t byte) {
    return search<Byte>(bytes, length, byte);
}
template <>
size_t Here::find_byte_padded(const uint8_t* bytes, size_t length, uint8_t byte) {
    return search_padded<Byte>(bytes, length, byte);
}
template <>
size_t Here::find_any(const uint8_t* bytes, size_t length, const tarn_byte_set& set) {
    return search<Member>(bytes, length, set);
}
template <>
size_t Here::find_any_padded(const uint8_t* bytes, size_t length, const tarn_byte_set& set) {
    return search_padded<Member>(bytes, length, set);
}
template <>
size_t Here::find_not(const uint8_t* bytes, size_t length, const tarn_byte_set& set) {
    return search<Stranger>(bytes, length, set);
}
template <>
size_t Here::find_not_padded(const uint8_t* bytes, size_t length, const tarn_byte_set& set) {
    return search_padded<Stranger>(bytes, length, set);
}
template <>
size_t Here::mismatch(const uint8_t* one, const uint8_t* other, size_t length) {
    return search<Difference>(one, length, other);
}
template <>
void Here::mark_any(const uint8_t* bytes, size_t length, const tarn_byte_set& set, uint64_t* marks) {
    const Member<Wide> wanted(bytes, set);
    size_t i = 0;
    for (; i + 64 <= length; i += 64)
        *marks++ = marks_of_64(wanted, i);
    if (i == length) return;
    uint8_t rest[64] = {};
    for (size_t at = 0; at < length - i; ++at)
        rest[at] = bytes[i + at];
    Member<Wide> last = wanted;
    last.bytes = rest;
    *marks = marks_of_64(last, 0) & (~uint64_t{0} >> (64 - (length - i)));
}
template <>
size_t Here::count_byte(const uint8_t* bytes, size_t length, uint8_t byte) {
    if (length >= Wide::kSize) return count_long<Wide>(bytes, length, byte);
    if (length >= Narrow::kSize) {
        const Byte<Narrow> wanted(bytes, byte);
        const auto first = static_cast<size_t>(__builtin_popcountll(Narrow::mask(wanted.hits(0))));
        const size_t last = length > Narrow::kSize ? count_last<Narrow>(wanted, Narrow::kSize, length) : 0;
        return (first + last) / Narrow::kBits;
    }
    size_t count = 0;
    for (size_t i = 0; i < length; ++i)
        count += bytes[i] == byte;
    return count;
}

}  // namespace tarn::scan
