// SPDX-License-Identifier: MIT
// ShortText: a short string made by a Text, for when its length matters before it is written. What does not
// fit is cut off.
#pragma once
#include "base/text.h"

namespace tarn {

class ShortText {
  public:
    // `make` writes to the Text it is given.
    template <class Make>
    explicit ShortText(Make make) {
        {
            Text text(take, this);
            make(text);
        }
        text_[length_] = 0;
    }
    ShortText(const ShortText&) = delete;
    ShortText& operator=(const ShortText&) = delete;

    const char* c_str() const { return text_; }
    int length() const { return static_cast<int>(length_); }

  private:
    static void take(void* self, const char* text, size_t length) {
        ShortText& taken = *static_cast<ShortText*>(self);
        for (size_t i = 0; i < length && taken.length_ + 1 < sizeof taken.text_; ++i)
            taken.text_[taken.length_++] = text[i];
    }

    size_t length_ = 0;
    char text_[640];  // an option with its value
};

}  // namespace tarn
