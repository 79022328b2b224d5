// SPDX-License-Identifier: MIT
// A place in call frame information, that is read on from: numbers and pointers as DWARF 5, 7.6, and the Linux Standard Base,
// "DWARF Extensions", encode them. What cannot be read, or lies at or behind the end, makes it bad, and reads as 0.
#pragma once
#include "unwind/memory.h"

namespace tarn::unwind {

class Cursor {
  public:
    Cursor(Memory& memory, uintptr_t at, uintptr_t end) : memory_(memory), at_(at), end_(end) {}

    uintptr_t at() const { return at_; }
    bool bad() const { return bad_; }
    bool more() const { return !bad_ && at_ < end_; }
    void go_to(uintptr_t at) {
        bad_ |= at > end_ || at < at_;
        at_ = at;
    }
    void skip(uintptr_t bytes) { go_to(at_ + bytes); }

    template <class T>
    T take() {
        T value{};
        if (bad_ || end_ - at_ < sizeof(T) || end_ < at_ || !memory_.read(at_, value)) {
            bad_ = true;
            return T{};
        }
        at_ += sizeof(T);
        return value;
    }
    uint64_t take_unsigned() {
        unsigned bits = 0;
        return take_groups(bits);
    }
    int64_t take_signed() {
        unsigned bits = 0;
        const uint64_t value = take_groups(bits);
        if (bits >= 64) return static_cast<int64_t>(value);
        const uint64_t sign = uint64_t{1} << (bits - 1);
        return static_cast<int64_t>((value ^ sign) - sign);
    }

    static constexpr uint8_t kOmitted = 0xff;
    // A pointer; `data` is what those are relative to that say so.
    uintptr_t take_pointer(uint8_t encoding, uintptr_t data) {
        constexpr uint8_t kRelativeToPlace = 0x10, kRelativeToData = 0x30, kIndirect = 0x80;
        if (encoding == kOmitted) return 0;
        const uintptr_t place = at_;
        uintptr_t value = take_plain(encoding & 0x0f);
        switch (encoding & 0x70) {
            case 0:
                break;
            case kRelativeToPlace:
                value += place;
                break;
            case kRelativeToData:
                value += data;
                break;
            default:
                bad_ = true;
        }
        if (encoding & kIndirect) bad_ |= !memory_.read(value, value);
        return bad_ ? 0 : value;
    }

  private:
    uint64_t take_groups(unsigned& bits) {
        uint64_t value = 0;
        for (;;) {
            const uint8_t group = take<uint8_t>();
            if (bits < 64) value |= static_cast<uint64_t>(group & 0x7f) << bits;
            bits += 7;
            if (!(group & 0x80)) return value;
            if (bits > 70) bad_ = true;
        }
    }
    uintptr_t take_plain(uint8_t format) {
        switch (format) {
            case 0x0:
            case 0x4:
            case 0xc:
                return take<uint64_t>();
            case 0x1:
                return take_unsigned();
            case 0x2:
                return take<uint16_t>();
            case 0x3:
                return take<uint32_t>();
            case 0x9:
                return static_cast<uintptr_t>(take_signed());
            case 0xa:
                return static_cast<uintptr_t>(static_cast<intptr_t>(take<int16_t>()));
            case 0xb:
                return static_cast<uintptr_t>(static_cast<intptr_t>(take<int32_t>()));
            default:
                bad_ = true;
                return 0;
        }
    }
    Memory& memory_;
    uintptr_t at_, end_;
    bool bad_ = false;
};

}  // namespace tarn::unwind
