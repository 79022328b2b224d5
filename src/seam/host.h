// SPDX-License-Identifier: MIT
// Host: what libtarn does for the module that records, which calls nothing else of it. Both are built together; the
// version keeps a module that was left behind from being used.
#pragma once
#include "base/options.h"
#include "cache/observer.h"
#include "seam/call_hook.h"
#include "seam/guard_counts.h"
#include "seam/recorder.h"
#include "tarn/statistics.h"

namespace tarn {

struct Host {
    uint32_t version;  // kHostVersion
    const Options* options;
    bool (*option_given)(int option);
    const char* (*option_name)(int option);
    void (*print_option)(Text&, int option);
    int options_count;
    const char* tarn_version;
    const char* (*backend_name)();

    // As in stats/stats.h. Reading waits for each lock a bounded time; where the first of them is taken (false) there is
    // no need to begin.
    bool (*can_read_snapshot)();
    void (*read_snapshot)(tarn_stats& stats);
    // Gives back what lies free, and tells no recorder; bytes. With no lock held.
    size_t (*trim)();

    // This thread's cache; NULL: it has none.
    ThreadCache* (*own_cache)();
    // What threads without a cache have in its place: for large blocks alone.
    ThreadCache* no_cache;
    Observer* (*observer_of)(const ThreadCache&, ObserverSlot);
    void (*keep_observer)(ThreadCache&, ObserverSlot, Observer&);
    void (*attach)(ThreadCache&, ObserverSlot);
    void (*detach)(ThreadCache&, ObserverSlot);
    // bins.h
    void (*unpop)(ThreadCache&, SizeClass, Object*);
    Object* (*take_sampled)(ThreadCache&, SizeClass, Object* instead_of);
    // The same with a block, of the class's size and for those that no mixed slab can serve.
    void* (*take_block)(ThreadCache&, SizeClass, Object* instead_of, size_t alignment);
    size_t (*block_size)(const void*);

    // One of the guard's takes the place of an object that was popped, and counts as one of the class.
    void (*put_guarded)(ThreadCache&, SizeClass, Object* instead_of);
    GuardCounts* guard_counts;
    RecordCalls* record_calls;
    // plt_hook.h
    void (*hook_calls)(const CallHook* hooks, size_t count, HookedObjects* before);
    // os.h: the module has another copy of it.
    bool (*confined_itself)();
};
inline constexpr uint32_t kHostVersion = 4;

// The module's one entry: `tarn_recorder_entry` in the library. Called by libtarn's constructor, once. NULL: another
// version.
using RecorderEntry = const Recorder* (*)(const Host& host);
inline constexpr char kRecorderEntry[] = "tarn_recorder_entry";

}  // namespace tarn

extern "C" [[gnu::visibility("default")]] const tarn::Recorder* tarn_recorder_entry(const tarn::Host& host);
