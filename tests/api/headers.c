/* SPDX-License-Identifier: MIT
 * The public headers in C: each can be included first, alone and twice. */
#include "tarn/backend.h"

/* Apart, so that they are not sorted into one. */
#include "tarn/tarn.h"

/* Again. */
#include "tarn/backend.h"

/* Again. */
#include "tarn/tarn.h"

/* The initialisers are constant, and name every member. */
static const tarn_heap_options heap_options = TARN_HEAP_OPTIONS_INIT;
static const tarn_interner_options interner_options = TARN_INTERNER_OPTIONS_INIT;

int header_compiles(const tarn_backend* backend, const tarn_stats* stats);

int header_compiles(const tarn_backend* backend, const tarn_stats* stats) {
    return backend->version == TARN_BACKEND_VERSION && stats->version == TARN_STATS_VERSION &&
           heap_options.version == TARN_HEAP_VERSION &&
           interner_options.version == TARN_INTERNER_OPTIONS_VERSION;
}
