// SPDX-License-Identifier: MIT
// Recorder: what the module that records (libtarn-record.so, or the same code in a static program) is to be told, by
// whom it concerns. There is none unless TARN_RECORD or TARN_PROFILE is set.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "tarn/frames.h"
#include "tarn/record.h"

namespace tarn {

struct ThreadCache;

// None of these allocates, waits or touches errno; any thread may call any of them at any time, but where it says more.
struct Recorder {
    uint32_t version;  // kRecorderVersion

    // This thread got a cache, no observer of which looks on.
    void (*thread_arrived)(ThreadCache&);
    // In the child of a fork, last.
    void (*after_fork_child)();
    // The process ends as it should. More than once, perhaps.
    void (*process_ends)();
    // Objects were loaded or unloaded. Not from inside an allocation function: it asks the dynamic linker.
    void (*objects_changed)();

    void (*out_of_memory)(size_t size, size_t alignment);
    void (*misuse)(const void* pointer, const char* message);
    void (*trimmed)(size_t bytes);
    // A sampled object of mixed slabs is about to be freed.
    void (*sample_freed)(const void* object);
    // The guard has put this object where it lies, and takes it; misuse of such objects does not return. Not freed: it is of
    // others.
    struct GuardedFree {
        bool freed;
        uint32_t size_class;
    };
    GuardedFree (*guarded_free)(void* pointer);
    size_t (*guarded_size)(const void* pointer);  // that may be touched; 0: of others
    // This thread's allocations that count down (ThreadCache::until_guard) have come to the one that is to be guarded.
    void (*guard_due)(ThreadCache&);
    // Whether each allocation is to be seen, those of threads without a cache as well.
    bool (*sees_all)();

    // tarn/record.h
    int (*active)();
    const char* (*path)();
    void (*phase)(const char* name);
    int (*snapshot_now)(const char* name);
    int (*start_sampling)(size_t interval);
    int (*stop_sampling)();
    tarn_scope (*begin_scope)(const char* name);
    void (*end_scope)(tarn_scope scope);
    // tarn/frames.h
    int (*register_frames)(const tarn_frames_provider& provider);
};
inline constexpr uint32_t kRecorderVersion = 3;

namespace detail {
extern std::atomic<const Recorder*> recorder;
}

// NULL: nothing is recorded.
inline const Recorder* recorder() {
    return detail::recorder.load(std::memory_order_acquire);
}
// tarn_frames_register.
int register_frames(const tarn_frames_provider* provider);
// By the library's constructor alone.
void set_recorder(const Recorder& recorder);

}  // namespace tarn
