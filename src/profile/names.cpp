// SPDX-License-Identifier: MIT
#include "profile/names.h"

#include <string.h>

#include "os/lock.h"
#include "profile/books.h"
#include "profile/index.h"
#include "record/record.h"
#include "record/writing.h"

namespace tarn::profile {

namespace {

using record::state;

uint64_t hash_of_text(const char* text, size_t length) {
    constexpr uint64_t kFactor = 0xd6e8feb86659fd93;
    uint64_t hash = length * kFactor;
    for (; length >= sizeof(uint64_t); text += sizeof(uint64_t), length -= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text, sizeof word);
        hash = (hash ^ word) * kFactor;
        hash ^= hash >> 32;
    }
    uint64_t word = 0;
    memcpy(&word, text, length);
    hash = (hash ^ word) * kFactor;
    return hash ^ hash >> 32;
}

uint64_t hash_of_name(uint32_t place);

struct Names {
    Lock lock;
    tarn_record_section* section;
    char* begin;
    Index<hash_of_name> by_text;
    bool closed;  // for good: see Books
};
constinit Names names = {};

uint16_t length_at(uint32_t place) {
    uint16_t length;
    memcpy(&length, names.begin + place, sizeof length);
    return length;
}
const char* text_at(uint32_t place) {
    return names.begin + place + sizeof(uint16_t);
}

uint64_t hash_of_name(uint32_t place) {
    return hash_of_text(text_at(place), length_at(place));
}

uint32_t append_name(const char* text, size_t length, uint64_t hash) {
    const uint64_t place = names.section->count, end = place + sizeof(uint16_t) + length;
    if (end > names.section->capacity || !state.names.reserve(end) ||
        !names.by_text.add(hash, static_cast<uint32_t>(place))) {
        __atomic_store_n(&names.section->dropped, names.section->dropped + 1, __ATOMIC_RELAXED);
        return kNoName;
    }
    const uint16_t stored = static_cast<uint16_t>(length);
    memcpy(names.begin + place, &stored, sizeof stored);
    memcpy(names.begin + place + sizeof stored, text, length);
    __atomic_store_n(&names.section->count, end, __ATOMIC_RELEASE);
    return static_cast<uint32_t>(place);
}

}  // namespace

uint32_t place_of_name(const char* text, size_t length) {
    // Closed: the lock stays with a thread that may wait for this one.
    if (names.closed || names.lock.is_mine()) return kNoName;
    const record::Writing writing;
    const Guard guard(names.lock);
    if (!names.section || !books_open()) return kNoName;
    const uint64_t hash = hash_of_text(text, length);
    const uint32_t found = names.by_text.find(hash, [=](uint32_t place) {
        return length_at(place) == length && memcmp(text_at(place), text, length) == 0;
    });
    return found != UINT32_MAX ? found : append_name(text, length, hash);
}

void open_names() {
    if (names.closed) return;
    names.section = record::section(TARN_RECORD_NAMES);
    names.begin = &state.names.entry<char>(0);
}

void forget_names() {
    names.closed |= names.lock.is_mine();
    if (names.closed) return;
    names.lock.reset();
    names.section = nullptr;
    names.by_text.clear();
}

}  // namespace tarn::profile
