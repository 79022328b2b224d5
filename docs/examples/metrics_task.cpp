// SPDX-License-Identifier: MIT
// A server's requests, served by two threads, and what one kind of request costs over all of them.
#include "tarn/metrics.hpp"

#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

class Cache {
  public:
    void keep(int page) {
        const std::lock_guard guard(lock_);
        pages_[static_cast<size_t>(page)] = std::make_unique<char[]>(1024);
    }

  private:
    std::mutex lock_;
    std::vector<std::unique_ptr<char[]>> pages_ = std::vector<std::unique_ptr<char[]>>(100);
};

void serve(tarn::MetricsTask& rendering, Cache& cache, int page) {
    const tarn::MetricsTask::Stay here(rendering, tarn::MetricsMode::kExact);
    const auto scratch = std::make_unique<char[]>(4000);  // gone by the end
    scratch[0] = 1;
    cache.keep(page);
}

}  // namespace

int main() {
    tarn::MetricsTask rendering;
    Cache cache;
    for (int first : {0, 50}) {
        std::thread([&] {
            for (int page = first; page < first + 50; ++page)
                serve(rendering, cache, page);
        }).join();
    }
    const tarn::Metrics all = rendering.read();
    std::cout << "requests " << all.scopes << ", threads " << all.threads << '\n'
              << "allocations " << all.allocations << ", live " << all.live_bytes << " bytes\n"
              << "peak " << all.peak_bytes << " bytes\n";
    for (const auto& [thread, metrics] : rendering.read_threads())
        std::cout << "a thread: requests " << metrics.scopes << ", live " << metrics.live_bytes << " bytes\n";
    std::string json = tarn::to_string(all, tarn::MetricsFormat::kJson, "rendering");
    std::cout << json.substr(0, json.find(",\"bytes_allocated")) << ",...\n";
}
