// SPDX-License-Identifier: MIT
// Files divided among threads by a counter, which is all that both translators know of threads.
#pragma once
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace translator {

// Calls work(thread, file) for every file; returns when all are done. The caller's thread is thread 0.
template <class Work>
void share(size_t files, unsigned threads, Work work) {
    std::atomic<size_t> next{0};
    const auto run = [&](unsigned thread) {
        for (size_t file = next.fetch_add(1, std::memory_order_relaxed); file < files;
             file = next.fetch_add(1, std::memory_order_relaxed))
            work(thread, file);
    };
    std::vector<std::jthread> others;
    for (unsigned thread = 1; thread < threads; ++thread)
        others.emplace_back(run, thread);
    run(0);
}

}  // namespace translator
