// SPDX-License-Identifier: MIT
// A C++ program linked with tarn, shared or static: containers, streams, threads and exceptions, those
// above all that operator new throws. Prints "ok" when every part did what it should.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tarn/tarn.h"

namespace {

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::_Exit(1);
}

uint64_t allocations() {
    static tarn_stats stats;
    stats.version = TARN_STATS_VERSION;
    require(tarn_stats_get(&stats, sizeof stats) == 0, "tarn_stats_get");
    return stats.allocations;
}

// Objects of static storage allocate before main and free after it.
const std::map<std::string, std::string> before_main = {{std::string(100, 'a'), std::string(5000, 'b')}};
thread_local std::vector<std::string> in_thread;

void served_by_tarn() {
    uint64_t before = allocations();
    std::vector<std::unique_ptr<int>> numbers;
    numbers.reserve(1000);
    for (int i = 0; i < 1000; ++i)
        numbers.push_back(std::make_unique<int>(i));
    require(allocations() - before == 1001, "operator new is tarn's");
    struct alignas(256) Wide {
        char bytes[256];
    };
    auto wide = std::make_unique<Wide[]>(3);
    require(reinterpret_cast<uintptr_t>(wide.get()) % 256 == 0, "aligned new");
    require(allocations() - before == 1002, "aligned new is tarn's");
}

volatile size_t huge = SIZE_MAX / 4;

void exceptions() {
    int caught = 0;
    try {
        ::operator delete(::operator new(huge));
    } catch (const std::bad_alloc&) {
        ++caught;
    }
    try {
        std::string text(100, 'x');
        throw std::runtime_error(text + text);
    } catch (const std::exception& error) {
        caught += std::string(error.what()).size() == 200;
    }
    require(::operator new(huge, std::nothrow) == nullptr, "nothrow new");
    static int calls = 0;
    std::set_new_handler([] {
        if (++calls == 2) std::set_new_handler(nullptr);
    });
    try {
        ::operator delete[](::operator new[](huge, std::align_val_t{64}));
    } catch (const std::bad_alloc&) {
        caught += calls == 2;
    }
    require(caught == 3, "bad_alloc, runtime_error, and the new-handler before bad_alloc");
}

void threads() {
    std::vector<std::thread> running;
    std::vector<std::string> results(8);
    for (size_t i = 0; i < results.size(); ++i)
        running.emplace_back([&results, i] {
            std::ostringstream text;
            for (int k = 0; k < 2000; ++k)
                text << k << ' ';
            results[i] = text.str();
            in_thread.assign(50, text.str());
        });
    for (std::thread& thread : running)
        thread.join();
    for (const std::string& result : results)
        require(result == results[0], "what threads made is whole");
}

}  // namespace

int main() {
    require(before_main.begin()->second.size() == 5000, "objects from before main");
    served_by_tarn();
    exceptions();
    threads();
    std::cout << "ok" << std::endl;
    return 0;
}
