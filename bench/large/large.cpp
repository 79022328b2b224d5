// SPDX-License-Identifier: MIT
// Large blocks in slots, replaced at random; every page of a block is written. Prints the minor page faults:
// they are the price of giving memory back to the kernel and asking for it again. By default blocks of 32 KiB
// to 1 MiB; other arguments make it blocks of many megabytes in a few slots. Own.
#include <vector>

#include "support.h"

namespace {

constexpr size_t kPage = 4096;

struct Slot {
    unsigned char* at = nullptr;
    size_t size = 0;
    unsigned char key = 0;
};

void release(Slot& slot) {
    for (size_t i = 0; i < slot.size; i += kPage)
        if (slot.at[i] != slot.key) bench::fail("a block's contents have changed");
    free(slot.at);
    slot = {};
}

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t low = arguments.number("--low", 32 << 10);
    const size_t high = arguments.number("--high", 1 << 20);
    const size_t operations = arguments.scaled("--operations", 60000);
    std::vector<Slot> slots(arguments.number("--slots", 64));
    arguments.end();

    bench::Random random(1);
    for (size_t i = 0; i < operations; ++i) {
        Slot& slot = slots[random.below(slots.size())];
        release(slot);
        slot.size = random.between(low, high);
        slot.key = static_cast<unsigned char>(random.next());
        slot.at = static_cast<unsigned char*>(malloc(slot.size));
        if (!slot.at) bench::fail("out of memory");
        for (size_t k = 0; k < slot.size; k += kPage)
            slot.at[k] = slot.key;
        slot.at[slot.size - 1] = slot.key;
    }
    for (Slot& slot : slots)
        release(slot);
    printf("faults %ld count\n", bench::minor_faults());
    bench::work(operations, "blocks");
}
