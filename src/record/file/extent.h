// SPDX-License-Identifier: MIT
// Extent: a part of the mapped file that gets memory from its front on, as it is used. Until then it may not be touched:
// whoever locks all memory of the process (mlockall) does not fill it, and a full file system is found out by a system
// call and not by a signal.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tarn::record {

// Told when an extent cannot grow for want of memory; set once.
using NoMemory = void (*)(const char* why);
extern NoMemory no_memory;

inline size_t rounded_up(size_t bytes, size_t step) {
    return (bytes + step - 1) / step * step;
}

class Extent {
  public:
    // `begin` and `bytes`: whole pages.
    void lay(char* begin, size_t bytes, uint64_t offset) {
        begin_ = begin;
        bytes_ = bytes;
        offset_ = offset;
        ready_.store(0, std::memory_order_relaxed);
    }
    char* begin() const { return begin_; }
    template <class Entry>
    Entry& entry(uint64_t number) const {
        return reinterpret_cast<Entry*>(begin_)[number];
    }
    // Memory for the first `bytes`. False: it ends before, or there is no memory, and then `no_memory` is told. Any thread;
    // two at once do the same twice.
    bool reserve(size_t bytes) { return bytes <= ready_.load(std::memory_order_acquire) || grow(bytes); }

  private:
    bool grow(size_t bytes);

    char* begin_ = nullptr;
    size_t bytes_ = 0;
    uint64_t offset_ = 0;
    std::atomic<size_t> ready_{0};
};

}  // namespace tarn::record
