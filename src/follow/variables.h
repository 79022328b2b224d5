// SPDX-License-Identifier: MIT
// The variables that `tarn run` gave to this process alone.
#pragma once
#include <cstddef>

namespace tarn::follow {

// "NAME=ours", in memory of this library's own: programs write over what the kernel gave them.
struct Variable {
    const char* text;
    size_t name;      // bytes up to '=', which is among them
    bool is_preload;  // what was before comes behind ours
};

struct Variables {
    int process = 0;  // whose they are; 0: nobody's
    size_t count = 0;
    Variable each[8] = {};
    char text[8192] = {};
    size_t used = 0;
};
extern constinit Variables variables;

// The entry whose first `length` bytes are these; NULL.
char** find(char* const* environment, const char* begin, size_t length);

}  // namespace tarn::follow
