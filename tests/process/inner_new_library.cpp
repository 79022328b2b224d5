// SPDX-License-Identifier: MIT
// A library with a C++ library inside: its `new` is its own, and calls malloc; who gets the string deletes it by the global one.
#include <string>

__attribute__((visibility("default"))) std::string* make_string() {
    return new std::string("a string that is longer than what fits inside");
}
__attribute__((visibility("default"))) void drop_string(std::string* string) {
    delete string;
}
