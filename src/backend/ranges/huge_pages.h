// SPDX-License-Identifier: MIT
// HugePages: when mappings get transparent huge pages. They save nearly all page faults, and cost memory
// wherever a program leaves parts of its blocks untouched; so they wait until the process has much memory
// in blocks, and the blocks it gave back were resident nearly everywhere.
// A plain data structure: no lock and no system call of its own.
#pragma once
#include <cstddef>
#include <cstdint>

#include "os/os.h"

namespace tarn {

using os::kHugePage;

inline constexpr size_t kHugeChunksBelow = 2 * kHugePage;  // smaller blocks share huge pages with others

// A block at this place, with the rest of its last huge page where that is little beside it: its pages would come one by
// one, and who cuts a huge page in two has two halves in ordinary pages.
inline size_t to_whole_huge_page(const char* at, size_t size) {
    constexpr size_t kRestShare = 8;
    const size_t end = reinterpret_cast<uintptr_t>(at) + size,
                 rest = (kHugePage - end % kHugePage) % kHugePage;
    return rest <= size / kRestShare ? size + rest : size;
}

class HugePages {
  public:
    static constexpr size_t kFrom = size_t{16} << 20;  // bytes in blocks, live or kept

    // Whether to look at a block that is given back: always at first; every sixteenth time once enough
    // is known.
    bool curious(size_t in_blocks) {
        return clueless(in_blocks) || (in_blocks >= kFrom && ++skipped_ % kSeldom == 0);
    }
    // Nothing is known, and it would matter.
    bool clueless(size_t in_blocks) const { return in_blocks >= kFrom && seen_ < kEnough; }
    // Of `seen` bytes of a block in ordinary pages, so many were resident.
    void learn(size_t seen, size_t resident) {
        seen_ += seen;
        resident_ += resident;
        while (seen_ > kMemory)
            seen_ /= 2, resident_ /= 2;
    }
    // For a block of this size, which `in_blocks` counts already. What other blocks were like says little of
    // one that outweighs them.
    bool wanted(size_t in_blocks, size_t size) const {
        return in_blocks >= kFrom && size <= in_blocks / kShare && seen_ >= kEnough && dense();
    }
    // For one block that grows: its own past counts.
    static bool dense(size_t seen, size_t resident) { return resident >= seen - seen / kHoles; }

  private:
    static constexpr size_t kEnough = size_t{2} << 20;
    static constexpr size_t kMemory = size_t{64} << 20;
    static constexpr size_t kHoles = 16;  // at most 1/16 may be missing
    static constexpr uint32_t kSeldom = 16;
    static constexpr size_t kShare = 4;
    bool dense() const { return dense(seen_, resident_); }

    size_t seen_ = 0, resident_ = 0;
    uint32_t skipped_ = 0;
};

}  // namespace tarn
