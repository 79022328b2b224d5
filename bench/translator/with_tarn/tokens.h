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
// Of a name its address; of a text, number or doc its length, and whether it has escapes; of others anything.
struct ValueColumn {
    using type = uint64_t;
};
inline constexpr uint64_t kHasEscapes = uint64_t{1} << 63;

using Tokens = tarn::Batch<KindColumn, OffsetColumn, ValueColumn>;

// A place in the columns.
class Cursor {
  public:
    explicit Cursor(const Tokens& tokens)
        : kinds_(tokens.column<KindColumn>().data()),
          offsets_(tokens.column<OffsetColumn>().data()),
          values_(tokens.column<ValueColumn>().data()) {}

    Kind kind() const { return kinds_[at_]; }
    Kind kind_of_next() const { return kinds_[at_ + 1]; }
    uint32_t offset() const { return offsets_[at_]; }
    uint64_t value() const { return values_[at_]; }
    const Interned* name() const { return reinterpret_cast<const Interned*>(value()); }
    void advance() { ++at_; }

  private:
    const Kind* kinds_;
    const uint32_t* offsets_;
    const uint64_t* values_;
    size_t at_ = 0;
};

}  // namespace with_tarn
