// SPDX-License-Identifier: MIT
// scan.h implemented: the choice of a version, and one call down to it.
#include "tarn/scan.h"

#include <errno.h>
#include <string.h>

#include <atomic>

#include "scan/versions.h"

namespace {

namespace scan = tarn::scan;
using scan::Version;

// Chosen at the first call. Relaxed: any version gives the same results, and two threads choose the same one.
constinit std::atomic<Version> chosen{Version::kNotChosen};

[[gnu::cold, gnu::noinline]] Version choose() {
    const Version best = scan::best_version();
    chosen.store(best, std::memory_order_relaxed);
    return best;
}

Version version() {
    const Version known = chosen.load(std::memory_order_relaxed);
    return known == Version::kNotChosen ? choose() : known;
}

template <typename Call>
[[gnu::always_inline]] inline auto call(Call function) {
    return scan::call_version(version(), function);
}

const uint8_t* bytes_at(const void* bytes) {
    return static_cast<const uint8_t*>(bytes);
}

const char* name_of(Version version) {
    switch (version) {
        case Version::kAvx2:
            return "avx2";
        case Version::kSse42:
            return "sse4.2";
        case Version::kNeon:
            return "neon";
        default:
            return "scalar";
    }
}

}  // namespace

// C linkage comes from scan.h.
void tarn_byte_set_make(tarn_byte_set* set, const void* bytes, size_t count) {
    memset(set, 0, sizeof *set);
    for (size_t i = 0; i < count; ++i)
        tarn_byte_set_add(set, bytes_at(bytes)[i]);
}

size_t tarn_find_byte(const void* bytes, size_t length, unsigned char byte) {
    return call([=](auto v) { return v.find_byte(bytes_at(bytes), length, byte); });
}
size_t tarn_find_byte_padded(const void* bytes, size_t length, unsigned char byte) {
    return call([=](auto v) { return v.find_byte_padded(bytes_at(bytes), length, byte); });
}
size_t tarn_find_any(const void* bytes, size_t length, const tarn_byte_set* set) {
    return call([=](auto v) { return v.find_any(bytes_at(bytes), length, *set); });
}
size_t tarn_find_any_padded(const void* bytes, size_t length, const tarn_byte_set* set) {
    return call([=](auto v) { return v.find_any_padded(bytes_at(bytes), length, *set); });
}
size_t tarn_find_not(const void* bytes, size_t length, const tarn_byte_set* set) {
    return call([=](auto v) { return v.find_not(bytes_at(bytes), length, *set); });
}
size_t tarn_find_not_padded(const void* bytes, size_t length, const tarn_byte_set* set) {
    return call([=](auto v) { return v.find_not_padded(bytes_at(bytes), length, *set); });
}
size_t tarn_count_byte(const void* bytes, size_t length, unsigned char byte) {
    return call([=](auto v) { return v.count_byte(bytes_at(bytes), length, byte); });
}
size_t tarn_mismatch(const void* one, const void* other, size_t length) {
    return call([=](auto v) { return v.mismatch(bytes_at(one), bytes_at(other), length); });
}

void tarn_mark_any(const void* bytes, size_t length, const tarn_byte_set* set, uint64_t* marks) {
    call([=](auto v) { v.mark_any(bytes_at(bytes), length, *set, marks); });
}

size_t tarn_skip_blanks_slow(const void* bytes, size_t length, unsigned blanks) {
    tarn_byte_set set = {};
    if (blanks & TARN_BLANK_SPACE) tarn_byte_set_add(&set, ' ');
    if (blanks & TARN_BLANK_TAB) tarn_byte_set_add(&set, '\t');
    if (blanks & TARN_BLANK_CR) tarn_byte_set_add(&set, '\r');
    if (blanks & TARN_BLANK_LF) tarn_byte_set_add(&set, '\n');
    if (length > 1 && !tarn_byte_set_has(&set, bytes_at(bytes)[1]))
        return tarn_byte_set_has(&set, bytes_at(bytes)[0]) ? 1 : 0;
    return call([&](auto v) { return v.find_not(bytes_at(bytes), length, set); });
}

const char* tarn_scan_version(size_t index) {
    const Version best = scan::best_version();
    bool runs = false;
    for (const Version candidate : scan::kVersions) {
        runs = runs || candidate == best;
        if (runs && index-- == 0) return name_of(candidate);
    }
    return nullptr;
}

const char* tarn_scan_selected() {
    return name_of(version());
}

int tarn_scan_select(const char* name) {
    const Version best = scan::best_version();
    bool runs = false;
    for (const Version candidate : scan::kVersions) {
        runs = runs || candidate == best;
        if (!runs || (name && strcmp(name, name_of(candidate)) != 0)) continue;
        chosen.store(candidate, std::memory_order_relaxed);
        return 0;
    }
    errno = EINVAL;
    return -1;
}
