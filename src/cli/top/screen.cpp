// SPDX-License-Identifier: MIT
// All that is known of ncurses.
#define NCURSES_NOMACROS 1
#include "cli/top/screen.h"

#include <ncurses.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

#include <cstdlib>
#include <cwchar>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "cli/common/words.h"

namespace tarn::cli {
namespace {

constexpr short kRed = 1, kGreen = 2, kYellow = 3, kBlue = 4;
constexpr int kEscape = 27;

std::string once_instead(const std::string& why) {
    return why + "; tarn top --once prints a table";
}

// initscr() would end the process where the terminal is not known.
void check_terminal() {
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        throw std::runtime_error(once_instead("standard input and output are no terminal"));
    const char* kind = std::getenv("TERM");
    int error = 0;
    bool known = kind && setupterm(kind, STDOUT_FILENO, &error) == OK && error == 1;
    const char* move = known ? tigetstr("cup") : nullptr;
    if (!move || move == reinterpret_cast<const char*>(-1) || std::string_view(kind) == "dumb")
        throw std::runtime_error(
            once_instead("this terminal cannot be drawn on (TERM=" + std::string(kind ? kind : "") + ")"));
    if (cur_term) del_curterm(cur_term);
}

attr_t attribute(Style style, bool colour) {
    auto coloured = [&](short pair, attr_t without) {
        return colour ? static_cast<attr_t>(COLOR_PAIR(pair)) : without;
    };
    switch (style) {
        case Style::kStrong:
            return A_BOLD;
        case Style::kFaint:
            return A_DIM;
        case Style::kAlarming:
            return A_BOLD | coloured(kRed, 0);
        case Style::kReversed:
            return A_REVERSE;
        case Style::kObjects:
            return coloured(kGreen, A_BOLD);
        case Style::kKept:
            return coloured(kYellow, A_NORMAL);
        case Style::kOther:
            return coloured(kBlue, A_DIM);
        case Style::kPlain:
            break;
    }
    return A_NORMAL;
}

// As much of the text as fits into so many cells; some characters take two. What the locale has no character for is '?'.
std::string fitting(const std::string& text, int cells) {
    std::string made;
    mbstate_t state = {};
    for (size_t place = 0; place < text.size();) {
        wchar_t letter = 0;
        size_t length = std::mbrtowc(&letter, text.data() + place, text.size() - place, &state);
        bool known = length != 0 && length <= text.size() - place && wcwidth(letter) >= 0;
        if (!known) {
            state = {};
            length = 1;
        }
        cells -= known ? wcwidth(letter) : 1;
        if (cells < 0) break;
        made += known ? text.substr(place, length) : "?";
        place += length;
    }
    return made;
}

}  // namespace

Screen::Screen() {
    check_terminal();
    colour_ = terminal().colour;
    if (!initscr()) throw std::runtime_error(once_instead("this terminal cannot be drawn on"));
    cbreak();
    noecho();
    nodelay(stdscr, true);
    keypad(stdscr, true);
    set_escdelay(25);
    // What terminals send that take no notice of being asked for the other form.
    for (const auto& [sequence, key] :
         {std::pair{"\033[A", KEY_UP}, {"\033[B", KEY_DOWN}, {"\033[C", KEY_RIGHT}, {"\033[D", KEY_LEFT}})
        define_key(sequence, key);
    curs_set(0);
    colour_ = colour_ && has_colors();
    if (!colour_) return;
    start_color();
    use_default_colors();
    init_pair(kRed, COLOR_RED, -1);
    init_pair(kGreen, COLOR_GREEN, -1);
    init_pair(kYellow, COLOR_YELLOW, -1);
    init_pair(kBlue, COLOR_BLUE, -1);
}

Screen::~Screen() {
    endwin();
}

int Screen::height() const {
    return getmaxy(stdscr);
}

int Screen::width() const {
    return getmaxx(stdscr);
}

void Screen::clear() {
    werase(stdscr);
}

void Screen::put(int row, int column, const std::string& text, Style style) {
    if (row < 0 || row >= height() || column >= width()) return;
    wattrset(stdscr, static_cast<int>(attribute(style, colour_)));
    mvwaddstr(stdscr, row, column, fitting(text, width() - column).c_str());
    wattrset(stdscr, A_NORMAL);
}

void Screen::show() {
    wrefresh(stdscr);
}

Press Screen::press() {
    int key = wgetch(stdscr);
    switch (key) {
        case ERR:
        case KEY_RESIZE:
            return {};
        case KEY_UP:
            return {Key::kUp};
        case KEY_DOWN:
            return {Key::kDown};
        case KEY_LEFT:
            return {Key::kLeft};
        case KEY_RIGHT:
            return {Key::kRight};
        case KEY_PPAGE:
            return {Key::kPageUp};
        case KEY_NPAGE:
            return {Key::kPageDown};
        case KEY_HOME:
            return {Key::kHome};
        case KEY_END:
            return {Key::kEnd};
        case '\n':
        case '\r':
        case KEY_ENTER:
            return {Key::kEnter};
        case kEscape:
        case KEY_BACKSPACE:
        case 127:
            return {Key::kBack};
        default:
            return {Key::kLetter, key > 0 && key < 128 ? static_cast<char>(key) : '\0'};
    }
}

void Screen::resize() {
    winsize size = {};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row != 0 && size.ws_col != 0)
        resizeterm(size.ws_row, size.ws_col);
}

}  // namespace tarn::cli
