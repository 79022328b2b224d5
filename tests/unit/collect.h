// SPDX-License-Identifier: MIT
// What a Text writes, or what a piece of code writes to a descriptor, as a string.
#pragma once
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "base/text.h"

inline void append_to(void* string, const char* text, size_t length) {
    static_cast<std::string*>(string)->append(text, length);
}

template <class Write>
std::string text_of(Write write) {
    std::string collected;
    {
        tarn::Text text(append_to, &collected);
        write(text);
    }
    return collected;
}

// Everything written to `fd` while `run` runs.
template <class Run>
std::string written_to(int fd, Run run) {
    const int saved = dup(fd);
    const int memory = memfd_create("written", MFD_CLOEXEC);
    dup2(memory, fd);
    run();
    dup2(saved, fd);
    close(saved);
    std::string contents(static_cast<size_t>(lseek(memory, 0, SEEK_END)), '\0');
    const ssize_t got = pread(memory, contents.data(), contents.size(), 0);
    close(memory);
    contents.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return contents;
}
