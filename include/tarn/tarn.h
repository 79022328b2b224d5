/* SPDX-License-Identifier: MIT
 *
 * tarn's C interface, whole. Programs need none of it to run under tarn.
 *
 * 1. Sizes are in bytes unless a name says otherwise, alignments are powers of two.
 * 2. A handle is an opaque pointer made by a function that ends in _create and ended by one that ends in
 *    _destroy; destroying NULL does nothing.
 * 3. A function that hands out memory or a handle returns NULL when there is none, and sets errno to ENOMEM
 *    (EINVAL when an argument makes no sense). What it was given is then untouched.
 * 4. Other functions that can fail return 0 on success and -1 on failure; what they were to fill is then
 *    untouched.
 * 5. Functions on one handle are for one thread at a time, functions on different handles for any threads at
 *    once; a header says so where more is allowed. No function is for signal handlers.
 * 6. Text is given as a pointer and a length, and need not be terminated; text that tarn hands out is
 *    terminated by a NUL that its length does not count.
 * 7. Structs of numbers and of options begin with their version, and grow at the end only: pass their size.
 *    Options begin as TARN_X_OPTIONS_INIT, which is the default.
 * 8. Memory comes from tarn's malloc, and is counted in its statistics.
 */
#ifndef TARN_TARN_H
#define TARN_TARN_H

#include "tarn/arena.h"
#include "tarn/arena_pool.h"
#include "tarn/base.h"
#include "tarn/batch.h"
#include "tarn/buffer.h"
#include "tarn/cow_string.h"
#include "tarn/heap.h"
#include "tarn/interner.h"
#include "tarn/keywords.h"
#include "tarn/metrics.h"
#include "tarn/pool.h"
#include "tarn/scan.h"
#include "tarn/statistics.h"

#endif
