// SPDX-License-Identifier: MIT
// Small objects, part freed in the order of a stack (last first), part in that of a queue (first first), from
// the same memory. Own; the orders in which programs free, and what they do to a heap, are discussed by
// P. Wilson et al., "Dynamic Storage Allocation: A Survey and Critical Review", IWMM 1995.
#include <vector>

#include "support.h"

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t operations = arguments.scaled("--operations", 8000000);  // objects
    const size_t stack_room = arguments.number("--stack", 40000);
    const size_t queue_room = arguments.number("--queue", 60000);
    const size_t low = arguments.number("--low", 8), high = arguments.number("--high", 160);
    arguments.end();

    bench::Random random(1);
    std::vector<bench::Block> stack(stack_room), queue(queue_room);
    size_t depth = 0, place = 0;
    size_t done = 0;
    while (done < operations) {
        // A call pushes some objects; a return pops as many as an earlier call may have pushed.
        const size_t burst = 1 + random.below(64);
        if (random.below(2) == 0) {
            for (size_t i = 0; i < burst && depth > 0; ++i)
                stack[--depth].release();
            continue;
        }
        for (size_t i = 0; i < burst && depth < stack_room; ++i, ++done)
            stack[depth++].allocate(random.between(low, high), random);
        for (size_t i = 0; i < burst; ++i, ++done) {
            queue[place].release();
            queue[place].allocate(random.between(low, high), random);
            if (++place == queue_room) place = 0;
        }
    }
    while (depth > 0)
        stack[--depth].release();
    for (bench::Block& block : queue)
        block.release();
    bench::work(done, "objects");
}
