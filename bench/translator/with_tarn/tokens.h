// SPDX-License-Identifier: MIT
// The tokens of one file, in columns; the room is used again for the next file.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "tarn/batch.hpp"
#include "with_tarn/tree.h"

namespace with_tarn {

struct KindColumn {
    using type = Kind;
};
struct OffsetColumn {  // in the source
    using type = uint32_t;
};
// Of a name its address; of a text, number or doc its length, and whether it has escapes.
struct ValueColumn {
    using type = uint64_t;
};
inline constexpr uint64_t kHasEscapes = uint64_t{1} << 63;

using Tokens = tarn::Batch<KindColumn, OffsetColumn, ValueColumn>;

// A place in the columns.
struct Cursor {
    const Kind* kind;
    const uint32_t* offset;
    const uint64_t* value;

    explicit Cursor(const Tokens& tokens)
        : kind(tokens.column<KindColumn>().data()),
          offset(tokens.column<OffsetColumn>().data()),
          value(tokens.column<ValueColumn>().data()) {}
    void advance() {
        ++kind;
        ++offset;
        ++value;
    }
    const Interned* name() const { return reinterpret_cast<const Interned*>(*value); }
};

}  // namespace with_tarn
