// SPDX-License-Identifier: MIT
// Registry: address of a large block -> its size and where it came from. Lock-free, after the hardware's page
// tables: four levels of 4 KiB nodes over address >> 15.
//
// Invariants:
// - Every block is larger than 32 KiB, so a granule of 32 KiB of address space holds at most one start of a
//   live block, and one word per granule is enough: offset in the granule, size, source and state together.
// - Each state is one atomic word, changed by one store or compare-exchange; a node is linked by one
//   compare-exchange when it is complete (all zero), and never freed or moved. So a child forked while other
//   threads are in here finds every word valid: a block is live or it is not, a node is linked or unused.
// - live -> freed happens before the memory goes back to its source, and freed -> live after the source has
//   handed it out again: of two frees of one block, exactly one wins.
// - A freed word stays until its granule gets a new block: that is how a second free is recognised.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn {

enum class BlockSource : uint8_t {
    kRun,      // units of a window
    kMapping,  // a mapping of our own
    kBackend,  // the chosen backend
    kGuarded,  // a mapping of the hardened mode (guarded.h)
};

// Which ranges of mappings the kernel holds as one: those that mremap moved get a tag of their own. Tags are
// reused after some 2000 moves; a wrong guess costs a refused mremap, nothing else. The upper half is for
// mappings that may have huge pages: the kernel never holds those as one with others.
using Tag = uint16_t;
inline constexpr size_t kTags = 4096;
inline constexpr Tag kHugeTag = kTags / 2;
inline constexpr bool is_huge(Tag tag) {
    return tag >= kHugeTag;
}

inline constexpr Tag kGuardedTags = 512;

struct Record {
    size_t size = 0;  // of a mapping: whole pages
    BlockSource source = BlockSource::kRun;
    Tag tag = 0;  // of a mapping; of a guarded one what is known of it besides: up to kGuardedTags
};

inline constexpr size_t kGranule = size_t{1} << 15;
inline constexpr size_t kSmallestBlock = kGranule + 1;
inline constexpr size_t kLargestBlock = (size_t{1} << 49) - 1;  // more than any user address space today

enum class BlockState : uint8_t { kUnknown, kLive, kFreed };
struct FoundBlock {
    BlockState state = BlockState::kUnknown;
    Record record;
};

// The record of a block that starts at exactly this address.
FoundBlock find_block(const void* at);

// Whether p lies in a live block that starts at most `reach` bytes before it.
bool lies_in_block(const void* p, size_t reach);

// Nodes taken beforehand, so that enter_block() cannot fail at a point where nothing can be undone.
class SpareNodes {
  public:
    SpareNodes() = default;
    ~SpareNodes();
    SpareNodes(const SpareNodes&) = delete;
    SpareNodes& operator=(const SpareNodes&) = delete;
    [[nodiscard]] bool fill();  // false: out of memory
    void* take();               // zeroed node; NULL when there is none left

  private:
    static constexpr int kMost = 3;  // levels below the root
    void* nodes_[kMost] = {};
    int count_ = 0;
};

// Enters a live block. False: no memory for a node, or an address that cannot be kept.
[[nodiscard]] bool enter_block(void* at, Record record);
[[nodiscard]] bool enter_block(void* at, Record record, SpareNodes& spares);

// Strikes it off: live -> freed. kLive with what the block was for exactly one caller; otherwise what was found
// instead.
FoundBlock strike_block(void* at);

// A live block of the caller gets another size, or comes back after it was struck off for nothing.
void update_block(void* at, Record record);

}  // namespace tarn
