/* SPDX-License-Identifier: MIT
 *
 * What every C header of tarn begins with.
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
