// SPDX-License-Identifier: MIT
// The terminal as a grid of characters. Only cells that have changed are written to it.
#pragma once
#include <string>

namespace tarn::cli {

enum class Style { kPlain, kStrong, kFaint, kAlarming, kReversed, kObjects, kKept, kOther };

enum class Key { kNone, kUp, kDown, kLeft, kRight, kPageUp, kPageDown, kHome, kEnd, kEnter, kBack, kLetter };
struct Press {
    Key key = Key::kNone;
    char letter = 0;
};

class Screen {
  public:
    // Takes standard input and output; throws std::runtime_error when they cannot be drawn on.
    Screen();
    ~Screen();  // the terminal is as it was
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    int height() const;
    int width() const;
    void clear();
    // What does not fit is cut off.
    void put(int row, int column, const std::string& text, Style style);
    void show();
    // The next key that was pressed, or none; never waits.
    Press press();
    // The terminal has another size by now.
    void resize();

  private:
    bool colour_ = false;
};

}  // namespace tarn::cli
