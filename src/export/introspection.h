// SPDX-License-Identifier: MIT
// glibc's introspection, filled from the snapshot: malloc_stats, malloc_info, mallinfo, mallopt. After start().
#pragma once
#include <malloc.h>
#include <stdio.h>

namespace tarn {

void print_malloc_stats();  // the text report on standard error
int print_malloc_info(int options, FILE* stream);
struct mallinfo2 malloc_numbers();
struct mallinfo malloc_numbers_of_int();             // each clamped to INT_MAX
int accept_malloc_option(int parameter, int value);  // 1: understood (tarn has no use for most); 0: unknown

}  // namespace tarn
