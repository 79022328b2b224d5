// SPDX-License-Identifier: MIT
// The handle of batch.h, as its two sources see it.
#pragma once
#include <stddef.h>

#include "tarn/batch.h"

namespace tarn {

// Behind it in the same allocation: `column`, then `sizes`. column[0] is where the block of columns begins.
struct Columns : tarn_batch {
    void** column;
    size_t* sizes;
    size_t fields;
    size_t alignment;
};

inline Columns& columns_of(tarn_batch* handle) {
    return *static_cast<Columns*>(handle);
}
inline const Columns& columns_of(const tarn_batch* handle) {
    return *static_cast<const Columns*>(handle);
}

}  // namespace tarn
