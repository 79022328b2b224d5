// SPDX-License-Identifier: MIT
#include "host/host.h"

#include "backend/blocks.h"
#include "base/options.h"
#include "cache/bins.h"
#include "cache/caches.h"
#include "export/plt_hook.h"
#include "os/os.h"
#include "process/reclaim.h"
#include "seam/host.h"
#include "stats/stats.h"

namespace tarn {

namespace {

ThreadCache* own_cache() {
    return has_cache(current_cache) ? current_cache : nullptr;
}

bool can_read_snapshot() {
    if (caches.lock.is_mine() || !caches.lock.try_lock()) return false;
    caches.lock.unlock();
    return true;
}

void* take_block(ThreadCache& cache, SizeClass c, Object* instead_of, size_t alignment) {
    void* const block = allocate_block(kSizeClasses[c].size, alignment, Zero::kNo);
    if (!block) return nullptr;
    unpop(cache, c, instead_of);
    tell_changed(cache, {.allocations = 1, .bytes_allocated = block_size(block), .at = block});
    return block;
}

// Filled when it is wanted: pointers that are there from the start are relocated in every process.
constinit Host host = {};

void fill() {
    host.version = kHostVersion;
    host.options = &options;
    host.option_given = option_given;
    host.option_name = option_name;
    host.print_option = print_option;
    host.options_count = option_count();
    host.tarn_version = TARN_VERSION;
    host.backend_name = backend_name;
    host.can_read_snapshot = can_read_snapshot;
    host.read_snapshot = read_snapshot;
    host.trim = trim_untold;
    host.own_cache = own_cache;
    host.no_cache = &empty_cache;
    host.observer_of = observer_of;
    host.keep_observer = keep_observer;
    host.attach = attach;
    host.detach = detach;
    host.unpop = unpop;
    host.take_sampled = take_sampled;
    host.take_block = take_block;
    host.block_size = block_size;
    host.put_guarded = put_guarded;
    host.guard_counts = &guard_counts;
    host.record_calls = &record_calls;
    host.hook_calls = hook_calls;
    host.confined_itself = os::confined_itself;
}

[[gnu::cold, gnu::noinline]] void load() {
    fill();
    const Recorder* const found = load_recorder(host);
    if (!found) return;
    set_recorder(*found);
    if (ThreadCache* const cache = own_cache()) found->thread_arrived(*cache);
    if (options.profile) load_frames();
}

}  // namespace

void start_recorder() {
    if (options.needs_module()) load();
}

}  // namespace tarn
