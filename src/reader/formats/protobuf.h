// SPDX-License-Identifier: MIT
// Protobuf: as much of the wire format of protocol buffers as profile.proto needs: numbers, text, messages, and lists of
// numbers. Fields are written in the order of the calls; those that are 0 or empty need not be.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::reader {

class Protobuf {
  public:
    const std::string& bytes() const { return bytes_; }

    // int64, uint64, bool
    void number(uint32_t field, uint64_t value) {
        if (value == 0) return;
        varint(field << 3);
        varint(value);
    }
    // string, bytes, and messages
    void text(uint32_t field, std::string_view value) {
        varint(field << 3 | 2);
        varint(value.size());
        bytes_ += value;
    }
    void message(uint32_t field, const Protobuf& value) { text(field, value.bytes_); }
    // repeated, packed
    void numbers(uint32_t field, const std::vector<uint64_t>& values) {
        Protobuf packed;
        for (uint64_t value : values)
            packed.varint(value);
        if (!values.empty()) message(field, packed);
    }

  private:
    void varint(uint64_t value) {
        for (; value >= 0x80; value >>= 7)
            bytes_ += static_cast<char>(value | 0x80);
        bytes_ += static_cast<char>(value);
    }

    std::string bytes_;
};

}  // namespace tarn::reader
