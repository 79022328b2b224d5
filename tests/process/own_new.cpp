// SPDX-License-Identifier: MIT
// A program that replaces operator new itself: its own are called, upon the library's malloc.
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "check.h"

namespace {
int made, gone;
constexpr size_t kHeader = 64;
}  // namespace

void* operator new(size_t size) {
    ++made;
    return static_cast<char*>(malloc(size + kHeader)) + kHeader;
}
void operator delete(void* object) noexcept {
    if (!object) return;
    ++gone;
    free(static_cast<char*>(object) - kHeader);
}
void operator delete(void* object, size_t) noexcept {
    operator delete(object);
}

namespace {

void plain() {
    {
        std::vector<std::string> words;
        for (int i = 0; i < 1000; ++i)
            words.push_back(std::string(100, 'x'));
    }
    check::require(made > 1000, "the program's own operator new was called");
    check::require(made == gone, "and its own operator delete for each");
}

// The standard's operator new[] is defined as a call of operator new.
void array() {
    int* numbers = check::opaque(new int[1000]);
    check::require(made == 1, "new[] calls the program's own operator new");
    delete[] numbers;
    check::require(gone == 1, "and delete[] its operator delete");
    void* bytes = check::opaque(::operator new(100, std::nothrow));
    check::require(made == 2, "so does nothrow new");
    ::operator delete(bytes, std::nothrow);
    check::require(gone == 2, "and its delete");
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments, {{"plain", plain}, {"array", array}});
}
