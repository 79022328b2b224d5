// SPDX-License-Identifier: MIT
// Writes a record of itself: usage: self_record FILE [unsampled], or that of service_record.h: self_record FILE MINUTES
// STACKS. What it says was allocated where is known, and its stacks are real
// ones: a function in a namespace, one that is inlined into it, one in another file's library by qsort's callback, a
// name that the program gave.
#include <execinfo.h>

#include <cstdio>
#include <cstdlib>

#include "service_record.h"

namespace orchard {
namespace {

SampleRecord* sample;

__attribute__((noinline)) void note(uint64_t objects, uint64_t bytes) {
    void* addresses[64];
    int depth = backtrace(addresses, 64);
    std::vector<uint64_t> frames;
    for (int i = 1; i < depth; ++i)
        frames.push_back(reinterpret_cast<uint64_t>(addresses[i]));
    sample->add_stack(frames, objects, bytes);
    asm volatile("");
}

[[gnu::always_inline]] inline void pick_inlined() {
    note(30, 3000000);  // line: inlined
    asm volatile("");
}

}  // namespace

struct Basket {
    __attribute__((noinline)) void fill();
    template <class Fruit>
    __attribute__((noinline)) void add(Fruit);
};

void Basket::fill() {
    pick_inlined();  // line: fill
    asm volatile("");
}

template <class Fruit>
void Basket::add(Fruit) {
    note(20, 2000000);  // line: add
    asm volatile("");
}

}  // namespace orchard

extern "C" __attribute__((noinline)) int compare_apples(const void*, const void*) {
    static bool noted = false;
    if (!noted) orchard::note(10, 1000000);  // line: compare
    noted = true;
    return 0;
}

int main(int count, char** words) {
    if (count < 2) return 2;
    if (count == 4) {
        service_record(std::strtoull(words[2], nullptr, 10), std::strtoull(words[3], nullptr, 10))
            .write(words[1]);
        return 0;
    }
    SampleRecord record;
    if (count == 3) {
        record.header().sample_interval = 0;
        record.write(words[1]);
        return 0;
    }
    orchard::sample = &record;
    record.add_own_modules();
    orchard::Basket basket;
    basket.fill();
    basket.add(1.5);
    int apples[2] = {};
    std::qsort(apples, 2, sizeof apples[0], compare_apples);
    uint64_t name = record.add_name("harvest\torchard.py") | 12ull << 32 | TARN_RECORD_FRAME_NAME;
    record.add_stack({name}, 1, 500);
    record.header().sample_interval = 524288;
    record.header().state = TARN_RECORD_ENDED;
    record.header().ended_ns = record.header().started_ns + 1'000'000'000;
    record.write(words[1]);
    return 0;
}
