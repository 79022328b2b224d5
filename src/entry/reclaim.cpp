// SPDX-License-Identifier: MIT
#include "entry/reclaim.h"

#include "backend/blocks.h"
#include "cache/thread_cache.h"
#include "entry/lifecycle.h"
#include "pages/runs.h"

namespace tarn {

namespace {

// Everything that is free reaches the run supply; bytes of memory that went back without it.
size_t gather(Bins bins) {
    start();
    if (has_cache(current_cache)) flush(*current_cache);
    return collect_others(bins);
}

}  // namespace

size_t trim() {
    const size_t before = run_stats().returned;
    const size_t holes = gather(Bins::kToo);
    const size_t blocks = trim_blocks();
    trim_runs();
    return run_stats().returned - before + holes + blocks;
}

bool reclaim() {
    // The limit may be below what there is by now, and what goes back does not come again: small objects keep
    // some.
    constexpr size_t kKeep = (size_t{1} << 20) / kUnitSize;
    gather(Bins::kNot);
    const size_t blocks = trim_blocks();
    return trim_runs(kKeep).address_space + blocks > 0;
}

}  // namespace tarn
