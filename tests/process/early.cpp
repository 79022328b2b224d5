// SPDX-License-Identifier: MIT
// A program with a library that has called free and realloc before main: early_library.cpp.
#include <cstdlib>

#include "check.h"

bool early_calls_done();

int main() {
    check::require(early_calls_done(), "the library's constructor has run");
    free(check::opaque(malloc(100)));
    return 0;
}
