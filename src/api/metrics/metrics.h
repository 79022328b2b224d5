// SPDX-License-Identifier: MIT
// What the files behind tarn/metrics.h share.
#pragma once
#include "tarn/metrics.h"

namespace tarn {

// The scope so far. False: it is not open on this thread.
bool measure_scope(const tarn_metrics_scope& scope, tarn_metrics& result);
void end_scope(tarn_metrics_scope& scope);  // an open one
uint64_t scope_thread();                    // the number of the thread that has a scope open
// peak_bytes and peak_bytes_most are the caller's to add.
void add_counts(tarn_metrics& sum, const tarn_metrics& more);
// What follows from the counts.
void derive(tarn_metrics& metrics);

// 0, or -1 and EINVAL.
int check_target(const tarn_metrics* result, size_t size);
void copy_out(const tarn_metrics& metrics, tarn_metrics* result, size_t size);
int invalid_argument();

}  // namespace tarn
