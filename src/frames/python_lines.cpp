// SPDX-License-Identifier: MIT
#include "frames/python_lines.h"

#include <algorithm>

namespace tarn::frames {

namespace {

constexpr size_t kTableMost = 1 << 20;

// The bytes of a table, a piece at a time.
class Bytes {
  public:
    Bytes(const Reading& reading, uintptr_t at, size_t size) : reading_(reading), at_(at), left_(size) {}
    bool next(uint8_t& byte) {
        if (place_ == filled_ && !fill()) return false;
        byte = piece_[place_++];
        return true;
    }
    bool skip(int count) {
        uint8_t byte;
        for (; count > 0; --count)
            if (!next(byte)) return false;
        return true;
    }
    // Six bits a byte, the low ones first; bit 6: there are more.
    bool number(uint32_t& value) {
        value = 0;
        uint8_t byte;
        for (unsigned shift = 0; shift < 32; shift += 6) {
            if (!next(byte)) return false;
            value |= (byte & 63u) << shift;
            if (!(byte & 64)) return true;
        }
        return false;
    }
    bool signed_number(int& value) {
        uint32_t coded;
        if (!number(coded)) return false;
        value = static_cast<int>(coded >> 1);
        if (coded & 1) value = -value;
        return true;
    }

  private:
    bool fill() {
        const size_t bytes = std::min(left_, sizeof piece_);
        if (bytes == 0 || !reading_.copy(at_, piece_, bytes)) return false;
        at_ += bytes;
        left_ -= bytes;
        place_ = 0;
        filled_ = bytes;
        return true;
    }
    const Reading& reading_;
    uintptr_t at_;
    size_t left_, place_ = 0, filled_ = 0;
    uint8_t piece_[64];
};

int line_by_pairs(Bytes& bytes, int64_t at, int line) {
    int64_t begin = 0;
    uint8_t step, lines;
    while (bytes.next(step) && bytes.next(lines)) {
        begin += step;
        if (begin > at) break;
        line += static_cast<int8_t>(lines);
    }
    return line;
}

int line_by_ranges(Bytes& bytes, int64_t at, int line) {
    constexpr int kNoLine = -128;
    int64_t end = 0;
    uint8_t step, coded;
    while (bytes.next(step) && bytes.next(coded)) {
        const int lines = static_cast<int8_t>(coded);
        if (lines != kNoLine) line += lines;
        end += step;
        if (at < end) return lines == kNoLine ? 0 : line;
    }
    return line;
}

int line_by_locations(Bytes& bytes, int64_t at, int line) {
    enum Code : uint8_t { kOneLine0 = 10, kOneLine2 = 12, kNoColumns = 13, kLong = 14, kNone = 15 };
    constexpr int64_t kUnit = 2;
    int64_t end = 0;
    uint8_t head;
    while (bytes.next(head)) {
        const unsigned code = head >> 3 & 15;
        int lines = 0;
        uint32_t unused;
        bool whole = true;
        if (code == kLong)
            whole = bytes.signed_number(lines) && bytes.number(unused) && bytes.number(unused) &&
                    bytes.number(unused);
        else if (code == kNoColumns)
            whole = bytes.signed_number(lines);
        else if (code >= kOneLine0 && code <= kOneLine2)
            lines = static_cast<int>(code) - kOneLine0, whole = bytes.skip(2);
        else if (code < kOneLine0)
            whole = bytes.skip(1);
        if (!whole) break;
        line += lines;
        end += ((head & 7) + 1) * kUnit;
        if (at < end) return code == kNone ? 0 : line;
    }
    return line;
}

}  // namespace

uint32_t python_line(const Reading& reading, Lines lines, uintptr_t table, size_t size, int64_t at,
                     int first_line) {
    if (at < 0 || size > kTableMost) return first_line > 0 ? static_cast<uint32_t>(first_line) : 0;
    Bytes bytes(reading, table, size);
    int line = 0;
    switch (lines) {
        case Lines::kPairs:
            line = line_by_pairs(bytes, at, first_line);
            break;
        case Lines::kRanges:
            line = line_by_ranges(bytes, at, first_line);
            break;
        case Lines::kLocations:
            line = line_by_locations(bytes, at, first_line);
            break;
    }
    return line > 0 ? static_cast<uint32_t>(line) : 0;
}

}  // namespace tarn::frames
