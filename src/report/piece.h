// SPDX-License-Identifier: MIT
// Piece: a short string made by a Text, for when its length matters before it is written. What does not
// fit is cut off.
#pragma once
#include "base/text.h"

namespace tarn {

class Piece {
  public:
    // `make` writes to the Text it is given.
    template <class Make>
    explicit Piece(Make make) {
        {
            Text text(take, this);
            make(text);
        }
        text_[length_] = 0;
    }
    Piece(const Piece&) = delete;
    Piece& operator=(const Piece&) = delete;

    const char* c_str() const { return text_; }
    int length() const { return static_cast<int>(length_); }

  private:
    static void take(void* self, const char* text, size_t length) {
        Piece& piece = *static_cast<Piece*>(self);
        for (size_t i = 0; i < length && piece.length_ + 1 < sizeof piece.text_; ++i)
            piece.text_[piece.length_++] = text[i];
    }

    size_t length_ = 0;
    char text_[640];  // an option with its value
};

}  // namespace tarn
