// SPDX-License-Identifier: MIT
// A unit of mixed slabs and its table (the drawing in mixed.h): what begins where. Positions count 16 bytes from its begin.
#pragma once
#include <string.h>

#include "mixed/mixed.h"

namespace tarn::mixed {

inline constexpr size_t kGranules = kUnitSize / kAlignment;
inline constexpr size_t kFirst = kGranules / kAlignment;  // behind the table
inline constexpr SizeClass kMixedClasses = class_of_size(kSizeMost) + 1;
inline constexpr SizeClass kSampledClasses = class_of_size(kSampledMost) + 1;

// In the table. Any thread may read that of an object it has; written with the lock held.
inline constexpr uint8_t kFreeBit = 0x80;
inline constexpr uint8_t kSampledBit = 0x40;  // of one that is used
inline constexpr uint8_t kSkipped = 0x7f;     // 16 bytes that are no object's
constexpr uint8_t used_mark(SizeClass c) {
    return static_cast<uint8_t>(c + 1);
}
constexpr SizeClass class_of_mark(uint8_t mark) {
    return (mark & ~(kFreeBit | kSampledBit)) - 1u;
}
static_assert(used_mark(kSampledClasses) < kSampledBit);

constexpr size_t granules(SizeClass c) {
    return kSizeClasses[c].size / kAlignment;
}

constexpr size_t length(uint8_t mark) {
    return mark == kSkipped ? 1 : granules(class_of_mark(mark));
}

class Unit {
  public:
    explicit Unit(const void* p) : begin_(unit_address(unit_of(p))) {}

    char* begin() const { return begin_; }
    uint8_t mark(size_t at) const { return __atomic_load_n(table() + at, __ATOMIC_RELAXED); }
    void set_mark(size_t at, uint8_t mark) { __atomic_store_n(table() + at, mark, __ATOMIC_RELAXED); }
    size_t at(const void* p) const {
        return static_cast<size_t>(static_cast<const char*>(p) - begin_) / kAlignment;
    }
    void* object(size_t at) const { return begin_ + at * kAlignment; }
    uint16_t& carved() const { return header().carved; }
    uint16_t& used() const { return header().used; }
    // No object, whatever was there.
    void clear(size_t from = kFirst) {
        memset(table() + from, 0, kGranules - from);
        carved() = static_cast<uint16_t>(from);
    }
    // visit(position, mark) for each object in turn; where they end.
    template <class Visit>
    size_t each(Visit visit) const {
        size_t at = kFirst;
        while (at < kGranules && mark(at) != 0) {
            const uint8_t here = mark(at);
            const size_t next = at + length(here);
            if (here != kSkipped) visit(at, here);
            at = next;
        }
        return at;
    }

  private:
    struct Header {
        uint16_t carved;  // where objects end
        uint16_t used;    // objects that are
    };
    static_assert(sizeof(Header) <= kFirst);
    uint8_t* table() const { return reinterpret_cast<uint8_t*>(begin_); }
    Header& header() const { return *reinterpret_cast<Header*>(begin_); }
    char* begin_;
};

}  // namespace tarn::mixed
