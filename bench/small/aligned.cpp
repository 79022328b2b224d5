// SPDX-License-Identifier: MIT
// Aligned blocks, 32 to 4096 bytes, by posix_memalign, aligned_alloc and aligned new, replaced at random.
// Own.
#include <new>
#include <vector>

#include "support.h"

namespace {

struct Slot {
    bench::Block block;
    std::align_val_t alignment{};  // of aligned new; 0: it is for free()
};

void release(Slot& slot) {
    if (slot.alignment == std::align_val_t{}) {
        slot.block.release();
    } else {
        bench::verify(slot.block.at, slot.block.size, slot.block.key);
        operator delete(slot.block.at, slot.alignment);
    }
    slot = {};
}

void allocate(Slot& slot, bench::Random& random) {
    // Half of them ask for a cache line or less, one in 8 of the others for each greater power of two.
    const size_t alignment = size_t{32} << (random.below(2) == 0 ? random.below(2) : random.below(8));
    const size_t size = random.between(16, random.below(8) == 0 ? 4096 : 400);
    void* at = nullptr;
    slot.block.size = static_cast<uint32_t>(size);
    slot.block.key = static_cast<uint32_t>(random.next());
    switch (random.below(3)) {
        case 0:
            if (posix_memalign(&at, alignment, size) != 0) at = nullptr;
            break;
        case 1:  // of a multiple of the alignment, as C11 wanted
            slot.block.size = static_cast<uint32_t>((size + alignment - 1) & ~(alignment - 1));
            at = aligned_alloc(alignment, slot.block.size);
            break;
        default:
            slot.alignment = std::align_val_t{alignment};
            at = operator new(size, slot.alignment);
    }
    if (reinterpret_cast<uintptr_t>(at) % alignment != 0) bench::fail("a block is not aligned");
    slot.block.at = at;
    bench::stamp(at, slot.block.size, slot.block.key);
}

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t operations = arguments.scaled("--operations", 2500000);
    std::vector<Slot> slots(arguments.number("--slots", 8000));
    arguments.end();

    bench::Random random(1);
    for (size_t i = 0; i < operations; ++i) {
        Slot& slot = slots[random.below(slots.size())];
        release(slot);
        allocate(slot, random);
    }
    for (Slot& slot : slots)
        release(slot);
    bench::work(operations, "blocks");
}
