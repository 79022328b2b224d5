/* SPDX-License-Identifier: MIT
 * The public headers in C: each can be included first, alone and twice. */
#include "tarn/backend.h"

/* Apart, so that they are not sorted into one. */
#include "tarn/tarn.h"

/* Again. */
#include "tarn/backend.h"

/* Again. */
#include "tarn/tarn.h"

int header_compiles(const tarn_backend* backend, const tarn_stats* stats);

int header_compiles(const tarn_backend* backend, const tarn_stats* stats) {
    return backend->version == TARN_BACKEND_VERSION && stats->version == TARN_STATS_VERSION;
}
