// SPDX-License-Identifier: MIT
// Seals: what lies behind an object of the hardened mode, of a value that is another one for each object and each process. No
// byte of it is below 0x80 or odd, so that a terminating zero, text or a row of 0xff never passes for it.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn {

// Of the shard of the hardened mode that this thread has, and 1; 0: none. Here since it fills a gap in thread-local storage.
extern thread_local constinit uint8_t shard_number_above __attribute__((tls_model("initial-exec")));

// Made before the first object of the hardened mode is handed out.
extern uint64_t seal_secret;
void make_seal_secret();

inline uint64_t seal_of(const void* object) {
    uint64_t value = (seal_secret ^ reinterpret_cast<uintptr_t>(object)) * 0x9e3779b97f4a7c15;
    value ^= value >> 29;
    return (value & 0x7e7e7e7e7e7e7e7e) | 0x8080808080808080;
}

namespace detail {

using Word __attribute__((may_alias)) = uint64_t;
using Pair __attribute__((vector_size(16), may_alias)) = uint64_t;

// Of the word in which the object ends, the bytes behind it.
inline uint64_t mask_behind(size_t asked) {
    return ~uint64_t{0} << asked % 8 * 8;
}

}  // namespace detail

inline void put_seal(char* object, size_t asked, size_t slot) {
    const uint64_t seal = seal_of(object);
    size_t at = asked / 8 * 8;
    if (asked % 8) {
        detail::Word& word = *reinterpret_cast<detail::Word*>(object + at);
        const uint64_t mask = detail::mask_behind(asked);
        word = (word & ~mask) | (seal & mask);
        at += 8;
    }
    for (; at < slot; at += 8)
        *reinterpret_cast<detail::Word*>(object + at) = seal;
}

// These two look at what is another thread's, too, which may be about to clear it: who finds a fault there looks again. To
// ThreadSanitizer that is a race.

// Where it is broken first; `slot` when it is whole.
__attribute__((no_sanitize("thread"))) inline size_t broken_at(const char* object, size_t asked,
                                                               size_t slot) {
    const uint64_t seal = seal_of(object);
    uint64_t mask = detail::mask_behind(asked);
    for (size_t at = asked / 8 * 8; at < slot; at += 8, mask = ~uint64_t{0})
        if (const uint64_t changed = (*reinterpret_cast<const detail::Word*>(object + at) ^ seal) & mask)
            return at + static_cast<size_t>(__builtin_ctzll(changed)) / 8;
    return slot;
}

// Whole pairs of words.
__attribute__((no_sanitize("thread"))) inline bool is_zero(const char* at, size_t bytes) {
    const detail::Pair* pair = reinterpret_cast<const detail::Pair*>(at);
    const detail::Pair* const end = pair + bytes / 16;
    for (; end - pair >= 4; pair += 4) {
        const detail::Pair all = pair[0] | pair[1] | pair[2] | pair[3];
        if (all[0] | all[1]) return false;
    }
    detail::Pair all = {};
    for (; pair < end; ++pair)
        all |= *pair;
    return !(all[0] | all[1]);
}

}  // namespace tarn
