// SPDX-License-Identifier: MIT
// Thinning out (bins.h).
#include "cache/bins.h"

namespace tarn {

namespace {

constexpr uint32_t kRest = 128;
constexpr uint8_t kInVainMost = 6;  // the rest doubles with each
constexpr size_t kRoundsMost = 256;
constexpr size_t kGainShare = 8;  // of the objects freed, for so many at least room was given back

// As many frees as there are objects, within bounds.
uint16_t rounds_for(const Heap& heap, SizeClass c) {
    const size_t rounds = heap.used(c) / kOverflowsMost + 1;
    return static_cast<uint16_t>(rounds < kRoundsMost ? rounds : kRoundsMost);
}

}  // namespace

bool begins_to_thin(ThreadCache& cache, SizeClass c) {
    BinTop& top = cache.tops[c];
    if (top.rest > 0) {
        --top.rest;
        return false;
    }
    if (!cache.heap.is_sparse(c)) return false;
    top.thinning = true;
    top.rounds = rounds_for(cache.heap, c);
    top.rest = static_cast<uint32_t>(cache.heap.begun(c));
    top.overflows = 0;
    return true;
}

bool thins_on(ThreadCache& cache, SizeClass c) {
    BinTop& top = cache.tops[c];
    if (!top.thinning) return false;
    top.overflows = 0;
    if (--top.rounds > 0) return true;
    const size_t then = top.rest, now = cache.heap.begun(c);
    const size_t gone = then > now ? (then - now) * kSizeClasses[c].objects : 0;
    const uint16_t rounds = rounds_for(cache.heap, c);
    top.thinning = false;
    if (gone * kGainShare >= rounds * kOverflowsMost)
        top.in_vain = 0;
    else if (top.in_vain < kInVainMost)
        ++top.in_vain;
    top.rest = top.in_vain ? rounds * kRest << top.in_vain : 0;
    return false;
}

void stop_thinning(ThreadCache& cache, SizeClass c) {
    BinTop& top = cache.tops[c];
    if (top.thinning) set_limit(cache.bins[c], kFirstLimit);
    top.thinning = false;
    top.in_vain = 0;
    top.rounds = 0;
    top.rest = 0;
}

}  // namespace tarn
