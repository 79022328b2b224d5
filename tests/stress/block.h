// SPDX-License-Identifier: MIT
// A block of the shadow model: what was asked for, by which function, and the pattern its bytes must have.
// Blocks that overlap spoil each other's pattern.
#pragma once
#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

extern "C" {  // C23; absent when the allocator has none
[[gnu::weak]] void free_sized(void*, size_t);
[[gnu::weak]] void free_aligned_sized(void*, size_t, size_t);
}

namespace stress {

inline unsigned long long seed_in_use;

// While the address space is limited, and a moment longer, a request may fail; what is there stays whole.
inline std::atomic<unsigned> limits;  // how often it was lowered or raised: odd while it is low

[[noreturn]] inline void fail(const char* what, const void* at, size_t size) {
    fprintf(stderr, "shadow_model: %s: block %p of %zu bytes; --seed %llu\n", what, at, size, seed_in_use);
    abort();
}

struct Random {
    uint64_t state;
    uint64_t next() {  // xorshift64*
        state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
        return state * 0x2545f4914f6cdd1dULL;
    }
    size_t below(size_t limit) { return static_cast<size_t>(next() >> 11) % limit; }
    bool one_in(size_t n) { return below(n) == 0; }
};

enum class Made : uint8_t { kMalloc, kAlignedAlloc, kNew, kNewAligned };

struct Block {
    unsigned char* at = nullptr;
    size_t size = 0;       // asked for
    size_t alignment = 0;  // asked for; 16 when nothing was
    size_t filled = 0;     // bytes with the pattern: `size`, all that is usable, or none
    uint64_t key = 0;
    Made made = Made::kMalloc;
};

// Blocks beyond this carry their pattern in each page's last word and at both ends only.
constexpr size_t kWholeMax = 16 << 10;

inline uint64_t word_at(const Block& block, size_t offset) {
    return block.key + offset * 0x9e3779b97f4a7c15ULL;
}

// Calls visit(offset, length <= 8) for every place that carries the pattern below `end`.
template <class Visit>
void for_pattern(size_t filled, size_t end, Visit visit) {
    if (filled <= kWholeMax) {
        for (size_t offset = 0; offset < end; offset += 8)
            visit(offset, end - offset < 8 ? end - offset : 8);
        return;
    }
    for (size_t offset = 0; offset < 64 && offset + 8 <= end; offset += 8)
        visit(offset, size_t{8});
    for (size_t offset = 4088; offset + 8 <= end; offset += 4096)
        visit(offset, size_t{8});
    if (end == filled) visit(filled - 8, size_t{8});
}

inline void fill(Block& block) {
    for_pattern(block.filled, block.filled, [&](size_t offset, size_t length) {
        const uint64_t word = word_at(block, offset);
        memcpy(block.at + offset, &word, length);
    });
}

// The first `end` bytes still are what was written; the pattern is that of a block of `block.filled` bytes.
inline void verify(const Block& block, size_t end, const char* when) {
    const bool last_overlaps = block.filled > kWholeMax;  // its last word may overlap a page's
    for_pattern(block.filled, end, [&](size_t offset, size_t length) {
        if (last_overlaps && offset != block.filled - 8 && offset + 8 > block.filled - 8) return;
        const uint64_t word = word_at(block, offset);
        if (memcmp(block.at + offset, &word, length) != 0) fail(when, block.at, block.size);
    });
}

// A block of which nothing is written holds what was there before, a free object's links for instance.
inline void choose_filled(Block& block, Random& random, size_t usable) {
    const size_t kind = random.below(16);
    block.filled = kind == 0 ? 0 : kind < 8 ? usable : block.size;
    block.key = random.next();
    fill(block);
}

// Alignment, usable size, and the pattern over all that may be used, over what was asked for, or nowhere.
inline void accept(Block& block, Random& random) {
    const size_t natural = block.alignment < 16 ? 16 : block.alignment;
    if (reinterpret_cast<uintptr_t>(block.at) % natural != 0) fail("not aligned", block.at, block.size);
    const size_t usable = malloc_usable_size(block.at);
    if (usable < block.size) fail("usable size is too small", block.at, block.size);
    choose_filled(block, random, usable);
}

// A request that was begun when `limits` was `before` has failed.
inline void accept_failure(unsigned before, size_t size) {
    if (before % 2 == 0 && limits.load() == before) fail("out of memory", nullptr, size);
}

inline void make(Block& block, Random& random, size_t size) {
    block = {};
    block.size = size;
    block.alignment = 16;
    const size_t alignment = size_t{16} << (random.one_in(8) ? random.below(13) : random.below(5));
    switch (random.below(16)) {
        case 0: {
            block.alignment = alignment;
            void* at = nullptr;
            if (posix_memalign(&at, alignment, size) == 0) block.at = static_cast<unsigned char*>(at);
            break;
        }
        case 1:
            block.alignment = alignment;
            block.made = Made::kAlignedAlloc;
            block.at = static_cast<unsigned char*>(aligned_alloc(alignment, size));
            break;
        case 2:
            block.alignment = alignment;
            block.at = static_cast<unsigned char*>(memalign(alignment, size));
            break;
        case 3:
        case 4:
            block.at = static_cast<unsigned char*>(calloc(1, size));
            for (size_t i = 0; block.at && i < size; ++i)
                if (block.at[i]) fail("calloc is not zero", block.at, size);
            break;
        case 5:
        case 6:
            block.made = Made::kNew;
            block.at = static_cast<unsigned char*>(::operator new(size));
            break;
        case 7:
            block.made = Made::kNewAligned;
            block.alignment = alignment;
            block.at = static_cast<unsigned char*>(::operator new (size, std::align_val_t{alignment}));
            break;
        default:
            block.at = static_cast<unsigned char*>(malloc(size));
    }
}

inline void allocate(Block& block, Random& random, size_t size) {
    const unsigned before = limits.load();
    try {
        make(block, random, size);
    } catch (const std::bad_alloc&) {
        block.at = nullptr;
    }
    if (block.at) return accept(block, random);
    accept_failure(before, size);
    block = {};
}

// Every way that the language allows for a block made like this.
inline void release(Block& block, Random& random) {
    if (!block.at) return;
    verify(block, block.filled, "its bytes changed before free");
    const bool sized = random.one_in(2);
    switch (block.made) {
        case Made::kMalloc:
            // Of an aligned block (memalign, posix_memalign) and one that was reallocated, free alone is
            // sure.
            if (sized && free_sized && block.alignment == 16)
                free_sized(block.at, block.size);
            else
                free(block.at);
            break;
        case Made::kAlignedAlloc:
            if (sized && free_aligned_sized)
                free_aligned_sized(block.at, block.alignment, block.size);
            else
                free(block.at);
            break;
        case Made::kNew:
            sized ? ::operator delete(block.at, block.size) : ::operator delete(block.at);
            break;
        case Made::kNewAligned:
            sized ? ::operator delete (block.at, block.size, std::align_val_t{block.alignment})
                  : ::operator delete (block.at, std::align_val_t{block.alignment});
    }
    block = {};
}

inline void resize(Block& block, Random& random, size_t size) {
    if (block.made == Made::kNew || block.made == Made::kNewAligned) return;
    verify(block, block.filled, "its bytes changed before realloc");
    // The contents up to the smaller of the two sizes: what was usable beyond the old one may go.
    const size_t kept = size < block.size ? size : block.size;
    const unsigned before = limits.load();
    void* const moved = realloc(block.at, size);
    if (!moved) {
        accept_failure(before, size);
        return verify(block, block.filled, "realloc that failed changed its bytes");
    }
    block.at = static_cast<unsigned char*>(moved);
    verify(block, kept < block.filled ? kept : block.filled, "realloc changed its bytes");
    block.made = Made::kMalloc;
    block.alignment = 16;
    block.size = size;
    accept(block, random);
}

}  // namespace stress
