// SPDX-License-Identifier: MIT
// What ThreadSanitizer is to leave out in programs that use libtarn as it is. To be included once in a
// program.
//
//   commit_units   the fast path of free reads page_table_end plainly, on purpose (src/pages/pages.h)
//   leave_thread   the last that a thread does is on its stack; libc unmaps that, and a mapping of tarn's
//                  own, which the sanitizer does not see, may get its place
//   class_totals   statistics read words of a bin that its thread writes plainly, on purpose
//   (cache/thread_cache.h)
//   count_heap     statistics read words of a heap that its user writes plainly, on purpose (api/heap/stats.cpp)
//   count_chunk
#pragma once

extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
    return "race:tarn::commit_units\nrace:leave_thread\nrace:tarn::class_totals\n"
           "race:tarn::user_heap::count_heap\nrace:count_chunk\n";
}
