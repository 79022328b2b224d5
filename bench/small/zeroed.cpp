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
};

void replace(Slot& slot, bench::Random& random) {
    free(slot.at);
    const size_t kind = random.below(64);
    const size_t parts = random.between(1, 16);
    slot.size = parts * (kind == 0 ? random.between(1024, 16384) : random.between(1, kind < 8 ? 256 : 40));
    slot.at = static_cast<unsigned char*>(calloc(parts, slot.size / parts));
    if (!slot.at) bench::fail("out of memory");
    for (size_t i = 0; i < slot.size; i += kStride) {
        if (slot.at[i] != 0) bench::fail("calloc's memory is not zero");
        slot.at[i] = 0xff;
    }
    if (slot.size > 1 && (slot.size - 1) % kStride != 0 && slot.at[slot.size - 1] != 0)
        bench::fail("calloc's last byte is not zero");
    slot.at[slot.size - 1] = 0xff;
}

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t operations = arguments.scaled("--operations", 3000000);
    std::vector<Slot> slots(arguments.number("--slots", 10000));
    arguments.end();

    bench::Random random(1);
    for (size_t i = 0; i < operations; ++i)
        replace(slots[random.below(slots.size())], random);
    for (Slot& slot : slots) {
        if (slot.at && (slot.at[0] != 0xff || slot.at[slot.size - 1] != 0xff))
            bench::fail("a block's contents have changed");
        free(slot.at);
    }
    bench::work(operations, "blocks");
}
