/* SPDX-License-Identifier: MIT
 *
 * The beginning of every C header of tarn.
 */
#ifndef TARN_BASE_H
#define TARN_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TARN_API __attribute__((visibility("default")))
#else
#define TARN_API
#endif

#endif
