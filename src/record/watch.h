// SPDX-License-Identifier: MIT
// The record's observer: what each thread does at its cold ends. It counts bytes; at every so many it looks at the
// clock, and at a word of requests always.
#pragma once
#include "cache/observer.h"
#include "tarn/record.h"

namespace tarn::record {

inline constexpr size_t kIntervalDefault = size_t{512} << 10;  // bytes between samples

void watch_thread(ThreadCache& cache);
// Requests come by this header; NULL: none do.
void watch_requests(tarn_record_header* header);

// This process has a record; a child of fork begins it now.
bool ensure_begun();

// A snapshot, whoever else is about to write one; false: it could not be. With no lock held.
bool publish_now();

}  // namespace tarn::record
