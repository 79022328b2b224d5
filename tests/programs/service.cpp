// SPDX-License-Identifier: MIT
// A service that fills memory from three places in about a second and then replaces what it holds, a hundred times a
// second, until it is killed: usage: service [ROUNDS]. It says "full" when it is, and with ROUNDS what it did in all. Each
// round is in a metrics scope, whose count must be the program's own.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "tarn/metrics.h"

// Of the library that is preloaded; without it nothing is counted.
#pragma weak tarn_metrics_begin
#pragma weak tarn_metrics_end

namespace {

constexpr size_t kSessions = 20'000, kSessionBytes = 1'500, kRows = 50'000, kRowBytes = 300, kImages = 100,
                 kImageBytes = 70'000;
constexpr unsigned kRoundsToFill = 100;

char* sessions[kSessions];
char* rows[kRows];
char* images[kImages];
uint64_t made, sum;

void put(char*& place, void* fresh, size_t size, unsigned round) {
    if (fresh == nullptr) std::abort();
    char* object = static_cast<char*>(fresh);
    std::memset(object, static_cast<int>(round % 64 + 1), size);
    sum = sum * 31 + static_cast<unsigned char>(object[size - 1]);
    std::free(place);
    place = object;
    ++made;
}

// Three functions, each with a line of its own that allocates.
[[gnu::noinline]] void open_sessions(size_t from, size_t to, unsigned round) {
    for (size_t i = from; i < to; ++i) {
        void* object = std::malloc(kSessionBytes);  // line: sessions
        put(sessions[i], object, kSessionBytes, round);
    }
}
[[gnu::noinline]] void load_rows(size_t from, size_t to, unsigned round) {
    for (size_t i = from; i < to; ++i) {
        void* object = std::malloc(kRowBytes);  // line: rows
        put(rows[i], object, kRowBytes, round);
    }
}
[[gnu::noinline]] void draw_images(size_t from, size_t to, unsigned round) {
    for (size_t i = from; i < to; ++i) {
        void* object = std::calloc(1, kImageBytes);  // line: images
        put(images[i], object, kImageBytes, round);
    }
}

void serve(unsigned round) {
    const size_t part = round % kRoundsToFill;
    open_sessions(part * kSessions / kRoundsToFill, (part + 1) * kSessions / kRoundsToFill, round);
    load_rows(part * kRows / kRoundsToFill, (part + 1) * kRows / kRoundsToFill, round);
    draw_images(part * kImages / kRoundsToFill, (part + 1) * kImages / kRoundsToFill, round);
}

void serve_counted(unsigned round) {
    tarn_metrics_scope scope;
    tarn_metrics metrics;
    const uint64_t before = made;
    const bool counted = tarn_metrics_begin != nullptr && tarn_metrics_begin(&scope, TARN_METRICS_EXACT) == 0;
    serve(round);
    if (!counted) return;
    if (tarn_metrics_end(&scope, &metrics, sizeof metrics) != 0 || metrics.allocations != made - before) {
        std::printf("%llu allocations counted, %llu made\n",
                    static_cast<unsigned long long>(metrics.allocations),
                    static_cast<unsigned long long>(made - before));
        std::exit(1);
    }
}

}  // namespace

int main(int count, char** words) {
    const unsigned rounds = count > 1 ? static_cast<unsigned>(std::atoi(words[1])) : UINT32_MAX;
    for (unsigned round = 0; round < rounds; ++round) {
        serve_counted(round);
        if (round + 1 == kRoundsToFill) {
            std::puts("full");
            std::fflush(stdout);
        }
        const timespec pause = {0, 10'000'000};
        nanosleep(&pause, nullptr);
    }
    std::printf("%llu objects, sum %llx\n", static_cast<unsigned long long>(made),
                static_cast<unsigned long long>(sum));
}
