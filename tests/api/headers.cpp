// SPDX-License-Identifier: MIT
// The public C headers in C++, as old as C++11: they compile, and their functions have C linkage (a second
// declaration with another linkage would not).
#include "tarn/backend.h"
#include "tarn/tarn.h"

extern const tarn_heap_options heap_options;
extern const tarn_interner_options interner_options;
const tarn_heap_options heap_options = TARN_HEAP_OPTIONS_INIT;
const tarn_interner_options interner_options = TARN_INTERNER_OPTIONS_INIT;

extern "C" int tarn_stats_get(tarn_stats* stats, size_t size);
extern "C" int tarn_stats_write(int fd, tarn_stats_format format);
extern "C" int tarn_stats_print(void (*sink)(void*, const char*, size_t), void*, tarn_stats_format);
extern "C" size_t tarn_trim();
extern "C" const char* tarn_version();
extern "C" const tarn_backend* tarn_backend_entry();
extern "C" tarn_pool* tarn_pool_create(size_t object_size, size_t alignment, unsigned options);
extern "C" void tarn_pool_destroy(tarn_pool* pool);
extern "C" int tarn_pool_reserve(tarn_pool* pool, size_t objects);
extern "C" void tarn_pool_flush(tarn_pool* pool);
extern "C" size_t tarn_pool_trim(tarn_pool* pool);
extern "C" int tarn_pool_stats_get(tarn_pool* pool, tarn_pool_stats* stats, size_t size);
extern "C" tarn_pool_local* tarn_pool_enter(tarn_pool* pool);
extern "C" void* tarn_pool_allocate_slow(tarn_pool* pool);
extern "C" void tarn_pool_free_slow(tarn_pool* pool, void* object);
extern "C" uintptr_t tarn_pool_thread_pointer();
