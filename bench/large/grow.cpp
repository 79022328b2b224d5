// SPDX-License-Identifier: MIT
// Buffers that grow by realloc, several at a time: some by a factor of 1.5 from 16 bytes to 64 MB, as vectors
// do; some by a few bytes at a time, as strings do that are appended to. Own.
#include <cstring>

#include "support.h"

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kBuffers = 4;

struct Buffer {
    unsigned char* at = nullptr;
    size_t size = 0;
    unsigned char key = 0;

    // Every byte of a small buffer, a byte per page of a large one.
    template <class Visit>
    void visit(size_t from, Visit each) {
        for (size_t i = from; i < size; i += i < kPage ? 1 : kPage - i % kPage)
            each(at[i]);
    }
    void grow(size_t to) {
        at = static_cast<unsigned char*>(realloc(at, to));
        if (!at) bench::fail("out of memory");
        const size_t from = size;
        size = to;
        visit(from, [&](unsigned char& byte) { byte = key; });
        at[size - 1] = key;
    }
    void release() {
        visit(0, [&](unsigned char& byte) {
            if (byte != key) bench::fail("realloc has lost a buffer's contents");
        });
        free(at);
        *this = {};
    }
};

// Returns how many times it has grown them.
size_t by_factor(size_t from, size_t to) {
    Buffer buffers[kBuffers];
    size_t steps = 0;
    for (size_t size = from; size < to; size += size / 2) {
        // The last of them stops early, the first ends as the largest.
        for (size_t i = 0; i < kBuffers; ++i) {
            if (size > to >> (2 * i)) continue;
            buffers[i].key = static_cast<unsigned char>(i + 1);
            buffers[i].grow(size);
            ++steps;
        }
    }
    for (Buffer& buffer : buffers)
        buffer.release();
    return steps;
}

size_t by_steps(size_t to, bench::Random& random) {
    Buffer buffers[kBuffers];
    size_t steps = 0;
    for (size_t i = 0; i < kBuffers; ++i)
        buffers[i].key = static_cast<unsigned char>(random.next());
    while (buffers[0].size < to) {
        for (Buffer& buffer : buffers)
            buffer.grow(buffer.size + random.between(8, 120));
        steps += kBuffers;
    }
    for (Buffer& buffer : buffers)
        buffer.release();
    return steps;
}

}  // namespace

int main(int count, char** values) {
    bench::Arguments arguments(count, values);
    const size_t rounds = arguments.scaled("--rounds", 20);
    const size_t largest = arguments.number("--largest", 64 << 20);
    const size_t string_largest = arguments.number("--string", 256 << 10);
    arguments.end();

    bench::Random random(1);
    size_t steps = 0;
    for (size_t i = 0; i < rounds; ++i) {
        steps += by_factor(16, i % 4 == 0 ? largest : largest / 64);
        steps += by_steps(string_largest, random);
        for (int k = 0; k < 100; ++k)
            steps += by_steps(2000, random);
    }
    bench::work(steps, "steps");
}
