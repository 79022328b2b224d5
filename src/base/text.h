// SPDX-License-Identifier: MIT
// Text: formats into a buffer of its own and hands full buffers to a sink. Never allocates, takes no lock.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn {

inline bool equal(const char* a, const char* b) {
    while (*a && *a == *b)
        ++a, ++b;
    return *a == *b;
}

class Output;

class Text {
  public:
    // A sink takes `length` bytes; `context` is whatever the caller gave. It must not allocate.
    using Sink = void (*)(void* context, const char* text, size_t length);

    Text(Sink sink, void* context) : sink_(sink), context_(context) {}
    explicit Text(Output& output);  // writes to a descriptor
    ~Text() { flush(); }
    Text(const Text&) = delete;
    Text& operator=(const Text&) = delete;

    Text& add(const char* text);
    Text& add(const char* text, size_t length);
    Text& add(char c) { return add(&c, 1); }
    Text& decimal(uint64_t value, int width = 0);  // right-aligned in `width`
    Text& signed_decimal(int64_t value);
    Text& hex(uint64_t value);  // 0x...
    Text& address(const void* p) { return hex(reinterpret_cast<uintptr_t>(p)); }
    Text& fixed(double value, int decimals, int width = 0);  // 12.34, value >= 0 and below 1e15
    Text& padded(const char* text, int width);               // left-aligned in `width`
    Text& spaces(int count);
    void flush();

  private:
    Sink sink_;
    void* context_;
    size_t used_ = 0;
    char buffer_[512];
};

// What fits of a line, for a text whose sink and context are these.
struct Line {
    char text[80] = {};
    size_t length = 0;

    static void sink(void* self, const char* text, size_t length) {
        Line& line = *static_cast<Line*>(self);
        for (size_t i = 0; i < length && line.length + 1 < sizeof line.text; ++i)
            line.text[line.length++] = text[i];
    }
};

}  // namespace tarn
