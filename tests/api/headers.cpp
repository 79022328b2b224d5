// SPDX-License-Identifier: MIT
// The public C headers in C++, as old as C++11: they compile, and their functions have C linkage (a second
// declaration with another linkage would not).
#include "tarn/backend.h"
#include "tarn/tarn.h"

extern "C" int tarn_stats_get(tarn_stats* stats, size_t size);
extern "C" int tarn_stats_write(int fd, tarn_stats_format format);
extern "C" int tarn_stats_print(void (*sink)(void*, const char*, size_t), void*, tarn_stats_format);
extern "C" size_t tarn_trim();
extern "C" const char* tarn_version();
extern "C" const tarn_backend* tarn_backend_entry();
