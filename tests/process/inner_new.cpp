// SPDX-License-Identifier: MIT
// Objects that one side of a library boundary makes by its own operator new, and the other one deletes by another.
#include <string>

#include "check.h"

std::string* make_string();
void drop_string(std::string* string);

namespace {

using check::opaque;
using check::require;

void library_makes() {
    for (int i = 0; i < 1000; ++i) {
        std::string* const string = opaque(make_string());
        require(string->size() > 30, "the string is whole");
        delete string;
    }
}
void library_drops() {
    for (int i = 0; i < 1000; ++i)
        drop_string(opaque(new std::string("another string that is longer than what fits inside")));
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments, {{"library_makes", library_makes}, {"library_drops", library_drops}});
}
