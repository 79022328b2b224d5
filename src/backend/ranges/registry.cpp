// SPDX-License-Identifier: MIT
// The radix tree, and the bump allocator of its nodes. Both lock-free; see registry.h for the invariants.
#include "backend/ranges/registry.h"

#include <atomic>

#include "os/os.h"

namespace tarn {

namespace {

using Word = std::atomic<uint64_t>;

// Word: offset / 16 in the granule (11 bits) | source (2) | live (1) | unused (1) | size (49); the tag of a
// mapping is in the low bits of its size, which are zero in whole pages. A freed block keeps everything but
// the live bit; a word of zero was never used (size is never 0).
constexpr int kSizeBits = 49;
constexpr uint64_t kLiveBit = uint64_t{1} << 50;
constexpr int kSourceShift = 51;
constexpr int kOffsetShift = 53;
constexpr size_t kObjectAlignment = 16;
constexpr int kGuardedBits = 40;  // of the size of a guarded block; above them is its tag
static_assert(kGuardedTags <= 1 << (kSizeBits - kGuardedBits));

constexpr int kGranuleShift = 15;
constexpr int kNodeBits = 9;
constexpr int kRootBits = 10;  // 52 bits of address in all: what the widest aarch64 and 5-level x86 can hand
                               // out without being asked for more
constexpr int kAddressBits = kGranuleShift + 3 * kNodeBits + kRootBits;

struct alignas(os::kPageSize) Node {
    Word words[1 << kNodeBits];  // addresses of nodes; at the last level, the blocks' words
};
static_assert(sizeof(Node) == os::kPageSize);

constinit Word root[1 << kRootBits];

uint64_t pack(uintptr_t at, Record record) {
    const uint64_t offset = (at & (kGranule - 1)) / kObjectAlignment;
    const int tag_shift = record.source == BlockSource::kGuarded ? kGuardedBits : 0;
    return record.size | uint64_t{record.tag} << tag_shift | kLiveBit |
           static_cast<uint64_t>(record.source) << kSourceShift | offset << kOffsetShift;
}

bool starts_at(uint64_t word, uintptr_t at) {
    return word != 0 && word >> kOffsetShift == (at & (kGranule - 1)) / kObjectAlignment &&
           at % kObjectAlignment == 0;
}

FoundBlock unpack(uint64_t word, uintptr_t at) {
    if (!starts_at(word, at)) return {};
    Record record{static_cast<size_t>(word & ((uint64_t{1} << kSizeBits) - 1)),
                  static_cast<BlockSource>(word >> kSourceShift & 3)};
    if (record.source == BlockSource::kMapping) {
        record.tag = static_cast<Tag>(record.size % kTags);
        record.size -= record.tag;
    }
    if (record.source == BlockSource::kGuarded) {
        record.tag = static_cast<Tag>(record.size >> kGuardedBits);
        record.size &= (uint64_t{1} << kGuardedBits) - 1;
    }
    return {word & kLiveBit ? BlockState::kLive : BlockState::kFreed, record};
}

// Nodes come from chunks that are filled from the front; `used` may run past the end, nothing else changes.
struct Chunk {
    std::atomic<size_t> used;
};
constexpr size_t kChunkSize = 32 * sizeof(Node);

struct Nodes {
    std::atomic<Chunk*> chunk{nullptr};  // the current one
    // Unused spares. A node that finds no place here costs address space, never memory: it is untouched.
    std::atomic<void*> stash[8] = {};
};
constinit Nodes nodes;

Chunk* replace_chunk(Chunk* full) {
    auto* fresh = static_cast<Chunk*>(os::map(kChunkSize));
    if (!fresh) return nullptr;
    fresh->used.store(sizeof(Node), std::memory_order_relaxed);
    if (nodes.chunk.compare_exchange_strong(full, fresh, std::memory_order_acq_rel)) return fresh;
    os::unmap(fresh, kChunkSize);
    return full;  // what another thread put there meanwhile
}

void* new_node() {
    for (auto& place : nodes.stash)
        if (place.load(std::memory_order_relaxed))
            if (void* node = place.exchange(nullptr, std::memory_order_acq_rel)) return node;
    Chunk* chunk = nodes.chunk.load(std::memory_order_acquire);
    for (;;) {
        if (chunk) {
            const size_t offset = chunk->used.fetch_add(sizeof(Node), std::memory_order_relaxed);
            if (offset + sizeof(Node) <= kChunkSize) return reinterpret_cast<char*>(chunk) + offset;
        }
        chunk = replace_chunk(chunk);
        if (!chunk) return nullptr;
    }
}

void keep_node(void* node) {
    for (auto& place : nodes.stash) {
        void* empty = nullptr;
        if (place.compare_exchange_strong(empty, node, std::memory_order_acq_rel)) return;
    }
}

size_t index_at(uintptr_t at, int level) {  // level 3 is the root's, 0 the blocks'
    const uintptr_t index = at >> (kGranuleShift + level * kNodeBits);
    return index & ((uintptr_t{1} << (level == 3 ? kRootBits : kNodeBits)) - 1);
}

bool addressable(uintptr_t at) {
    return at >> kAddressBits == 0;
}

Word* word_of(uintptr_t at) {
    if (!addressable(at)) return nullptr;
    Word* word = &root[index_at(at, 3)];
    for (int level = 2; level >= 0; --level) {
        auto* node = reinterpret_cast<Node*>(word->load(std::memory_order_acquire));
        if (!node) return nullptr;
        word = &node->words[index_at(at, level)];
    }
    return word;
}

// The node that `link` leads to, made when there is none.
Node* follow(Word& link, SpareNodes* spares) {
    uint64_t there = link.load(std::memory_order_acquire);
    if (there) return reinterpret_cast<Node*>(there);
    void* fresh = spares ? spares->take() : new_node();
    if (!fresh) return nullptr;
    if (link.compare_exchange_strong(there, reinterpret_cast<uint64_t>(fresh), std::memory_order_acq_rel))
        return static_cast<Node*>(fresh);
    keep_node(fresh);
    return reinterpret_cast<Node*>(there);
}

bool enter_with(void* at, Record record, SpareNodes* spares) {
    const auto address = reinterpret_cast<uintptr_t>(at);
    if (!addressable(address) || address % kObjectAlignment || record.size > kLargestBlock) return false;
    Word* word = &root[index_at(address, 3)];
    for (int level = 2; level >= 0; --level) {
        Node* node = follow(*word, spares);
        if (!node) return false;
        word = &node->words[index_at(address, level)];
    }
    word->store(pack(address, record), std::memory_order_release);
    return true;
}

}  // namespace

bool SpareNodes::fill() {
    while (count_ < kMost) {
        nodes_[count_] = new_node();
        if (!nodes_[count_]) return false;
        ++count_;
    }
    return true;
}

void* SpareNodes::take() {
    return count_ > 0 ? nodes_[--count_] : nullptr;
}

SpareNodes::~SpareNodes() {
    while (count_ > 0)
        keep_node(nodes_[--count_]);
}

bool lies_in_block(const void* p, size_t reach) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(p);
    const uintptr_t lowest = at > reach ? at - reach : 0;
    for (uintptr_t granule = at / kGranule; granule * kGranule + kGranule > lowest; --granule) {
        const Word* word = word_of(granule * kGranule);
        const uint64_t value = word ? word->load(std::memory_order_acquire) : 0;
        const uintptr_t start = granule * kGranule + (value >> kOffsetShift) * kObjectAlignment;
        if ((value & kLiveBit) && start <= at && at - start < unpack(value, start).record.size) return true;
        if (granule == 0) break;
    }
    return false;
}

FoundBlock find_block(const void* at) {
    const auto address = reinterpret_cast<uintptr_t>(at);
    const Word* word = word_of(address);
    return word ? unpack(word->load(std::memory_order_acquire), address) : FoundBlock{};
}

bool enter_block(void* at, Record record) {
    return enter_with(at, record, nullptr);
}
bool enter_block(void* at, Record record, SpareNodes& spares) {
    return enter_with(at, record, &spares);
}

FoundBlock strike_block(void* at) {
    const auto address = reinterpret_cast<uintptr_t>(at);
    Word* word = word_of(address);
    if (!word) return {};
    uint64_t value = word->load(std::memory_order_acquire);
    for (;;) {
        const FoundBlock found = unpack(value, address);
        if (found.state != BlockState::kLive) return found;
        if (word->compare_exchange_weak(value, value & ~kLiveBit, std::memory_order_acq_rel,
                                        std::memory_order_acquire))
            return found;
    }
}

void update_block(void* at, Record record) {
    const auto address = reinterpret_cast<uintptr_t>(at);
    word_of(address)->store(pack(address, record), std::memory_order_release);
}

}  // namespace tarn
