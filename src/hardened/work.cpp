// SPDX-License-Identifier: MIT
#include "hardened/work.h"

#include <atomic>

#include "os/thread_pointer.h"

namespace tarn::hardened {

// Not in thread-local storage, of which a library that is loaded late has little.
struct alignas(64) Work {
    std::atomic<uintptr_t> thread;  // 0: nobody's; only who made it its own writes
    const SlotWord* word;           // NULL: about to be said
};

namespace {

constexpr size_t kWorks = 64;  // where all are taken, a child of such a fork gives that slot up
constinit Work works[kWorks] = {};

}  // namespace

void Working::begin(const SlotWord& word) {
    const uintptr_t self = thread_pointer();
    const size_t from = static_cast<size_t>(self * 0x9e3779b97f4a7c15 >> 32);
    for (size_t i = 0; i < kWorks; ++i) {
        Work& work = works[(from + i) % kWorks];
        uintptr_t none = 0;
        if (work.thread.load(std::memory_order_relaxed) != 0) continue;
        if (!work.thread.compare_exchange_strong(none, self, std::memory_order_acquire)) continue;
        work.word = &word;
        std::atomic_signal_fence(std::memory_order_seq_cst);
        work_ = &work;
        return;
    }
}

void Working::end() {
    work_->word = nullptr;
    work_->thread.store(0, std::memory_order_release);
}

bool is_at_work_on(const SlotWord& word) {
    const uintptr_t self = thread_pointer();
    for (const Work& work : works)
        if (work.word == &word && work.thread.load(std::memory_order_relaxed) == self) return true;
    return false;
}

void forget_works_of_others() {
    const uintptr_t self = thread_pointer();
    for (Work& work : works)
        if (work.thread.load(std::memory_order_relaxed) != self) {
            work.word = nullptr;
            work.thread.store(0, std::memory_order_relaxed);
        }
}

}  // namespace tarn::hardened
