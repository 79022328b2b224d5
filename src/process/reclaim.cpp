// SPDX-License-Identifier: MIT
#include "process/reclaim.h"

#include "backend/blocks.h"
#include "cache/bins.h"
#include "cache/collect.h"
#include "hardened/hardened.h"
#include "mixed/mixed.h"
#include "pages/runs.h"
#include "process/start.h"
#include "seam/recorder.h"

namespace tarn {

namespace {

// What this thread holds reaches the run supply.
void gather() {
    start();
    if (has_cache(current_cache)) flush(*current_cache);
}

// Whether so much address space may be had from what there is.
bool within_reach(size_t bytes) {
    return bytes <= run_stats().reserved + block_stats().backend_committed;
}

}  // namespace

size_t trim_untold() {
    const size_t before = run_stats().returned;
    gather();
    size_t holes = collect_others(Collect::kMemory);
    if (has_cache(current_cache)) holes += punch_holes(*current_cache);
    const size_t blocks = trim_blocks();
    holes += mixed::trim();
    hardened::trim();
    trim_runs();
    return run_stats().returned - before + holes + blocks;
}

size_t trim() {
    const size_t bytes = trim_untold();
    if (const Recorder* const record = recorder()) record->trimmed(bytes);
    return bytes;
}

bool reclaim(size_t bytes) {
    // The limit may be below what there is by now, and what goes back does not come again: small objects keep some.
    constexpr Units kKeep = Units::within(size_t{1} << 20);
    if (!within_reach(bytes)) return false;
    gather();
    collect_others(Collect::kSlabs);
    hardened::trim();
    const size_t blocks = trim_blocks();
    return trim_runs(kKeep).address_space + blocks > 0;
}

}  // namespace tarn
