// SPDX-License-Identifier: MIT
// RangeTree: ranges of address space that do not overlap, found by address and by size, each in O(log n): two
// treaps over the same nodes (Seidel and Aragon, "Randomized Search Trees", 1996). Nothing is recursive,
// since a thread may have little stack. Plain data structures: no lock and no system call of their own.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "backend/ranges/registry.h"
#include "base/published.h"

namespace tarn {

struct Range {
    char* at = nullptr;
    size_t size = 0;
    Tag tag = 0;

    char* end() const { return at + size; }
};

struct RangeNode {
    Range range;
    RangeNode* children[2][2] = {};  // of the tree by address, of the tree by size
    uint32_t priority = 0;
    uint32_t stamp = 0;
    size_t dirty = 0;  // RangeCache: bytes that may be resident; 0: every byte is zero
    RangeNode* older = nullptr;
    RangeNode* newer = nullptr;
};

// The nodes of one or more trees. They come in chunks that the owner maps, and are never given back.
class RangeNodes {
  public:
    static constexpr size_t kChunk = size_t{64} << 10;
    static constexpr size_t kEnough = 16;  // so many are at hand before an operation begins

    bool enough() const { return spare_.load(std::memory_order_relaxed) >= kEnough; }
    void add(void* memory, size_t bytes);
    RangeNode* take();  // NULL: none is left
    void give(RangeNode* node);

  private:
    void count(int more) {
        spare_.store(spare_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
    }
    RangeNode* free_ = nullptr;
    RangeNode* fresh_ = nullptr;  // never used, up to the end of the last chunk
    size_t fresh_count_ = 0;
    std::atomic<size_t> spare_{0};  // read without the owner's lock
    uint32_t random_ = 2463534242;  // xorshift, George Marsaglia, 2003
};

class RangeTree {
  public:
    size_t count() const { return count_; }  // by anyone

    void insert(RangeNode* node);
    void remove(RangeNode* node);
    // The node's range becomes another one, which keeps its place in the order of addresses.
    void change(RangeNode* node, Range range);

    RangeNode* holding(const char* at) const;   // that `at` lies in
    RangeNode* starting(const char* at) const;  // that starts exactly there
    RangeNode* behind(const char* at) const;    // the first that starts further on
    // Those that end where this range starts, and start where it ends; NULL where there is none.
    struct Neighbours {
        RangeNode *before, *behind;
    };
    Neighbours neighbours(Range range) const;
    RangeNode* smallest_from(size_t size) const;     // the smallest of at least that size
    RangeNode* larger(const RangeNode* than) const;  // the next in order of size
    RangeNode* longest() const;

  private:
    enum Order { kByAddress, kBySize };
    template <Order kOrder>
    static bool before(const RangeNode* a, const RangeNode* b);
    template <Order kOrder>
    void link(RangeNode* node);
    template <Order kOrder>
    void unlink(RangeNode* node);
    RangeNode* last_from(const char* at) const;  // the last that starts at `at` or before

    RangeNode* roots_[2] = {};
    Published count_;
};

}  // namespace tarn
