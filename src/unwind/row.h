// SPDX-License-Identifier: MIT
// Rows: the rules of one address in 8 bytes and one for each register that functions keep, which nearly all rules come to;
// and a table of them, so that an address that was walked over before costs a look. The table is shared by all threads,
// without a lock: an entry that was half written is not found (R. Hyatt, T. Mann, "A lockless transposition table
// implementation for parallel search", ICGA Journal 2002).
#pragma once
#include <atomic>

#include "unwind/rules.h"

namespace tarn::unwind {

struct Row {
    enum Frame : uint8_t { kRegister, kDereferenced, kOutermost };  // register + offset; what is there
    int32_t frame_offset;
    uint8_t frame_register;
    Frame frame;
    // Words from the canonical frame address; 0: the same. Of which kLost is not known.
    static constexpr int8_t kLost = -128;
    int8_t saved[kKept];
    uint8_t reach;  // words below the frame address that they lie in; 0: elsewhere
};

inline constexpr size_t kRowWords = (sizeof(Row) + sizeof(uint64_t) - 1) / sizeof(uint64_t);

// False: they are not of that kind.
bool pack(const Rules& rules, const Function& function, Memory& memory, Row& row);
Step apply(const Row& row, Registers& registers, Memory& memory);

class RowTable {
  public:
    static uint64_t key(uintptr_t pc, uint64_t signature) {
        uint64_t mixed = (pc ^ signature) * 0xff51afd7ed558ccd;
        mixed = (mixed ^ mixed >> 33) * 0xc4ceb9fe1a85ec53;
        return (mixed ^ mixed >> 33) | 1;  // an entry that was never written has 0
    }
    bool find(uint64_t key, Row& row) const;
    void keep(uint64_t key, const Row& row);

  private:
    static constexpr size_t kEntries = 4096;
    struct Entry {
        std::atomic<uint64_t> check;  // the key and all words
        std::atomic<uint64_t> words[kRowWords];
    };
    Entry entries_[kEntries];
};

}  // namespace tarn::unwind
