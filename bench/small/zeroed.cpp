// SPDX-License-Identifier: MIT
// calloc of mixed sizes: mostly small, one in 64 up to 256 KiB. Blocks are soiled before they are freed, and
// those handed out are read at the same places. Own.
#include <vector>

#include "support.h"

namespace {

constexpr size_t kStride = 256;  // between the places that are read and soiled

struct Slot {
    unsigned char* at = nullptr;
    size_t size = 0;
    unsigned char key = 0;

    template <class Visit>
    void visit(Visit each) {
        for (size_t i = 0; i < size; i += kStride)
            each(at[i]);
        if ((size - 1) % kStride != 0) each(at[size - 1]);
    }
};

void release(Slot& slot) {
    if (!slot.at) return;
    slot.visit([&](unsigned char byte) {
        if (byte != slot.key) bench::fail("a block's contents have changed");
    });
    free(slot.at);
    slot = {};
}

void allocate(Slot& slot, bench::Random& random) {
    const size_t kind = random.below(64);
    const size_t parts = random.between(1, 16);
    const size_t part = kind == 0 ? random.between(1024, 16384) : random.between(1, kind < 8 ? 256 : 40);
    slot = {static_cast<unsigned char*>(calloc(parts, part)), parts * part,
            static_cast<unsigned char>(random.next() | 1)};
    if (!slot.at) bench::fail("out of memory");
    slot.visit([&](unsigned char& byte) {
        if (byte != 0) bench::fail("calloc's memory is not zero");
        byte = slot.key;
    });
}

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t operations = arguments.scaled("--operations", 3000000);
    std::vector<Slot> slots(arguments.number("--slots", 10000));
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
