// SPDX-License-Identifier: MIT
// What the kernel says of this process, read without allocating.
#pragma once
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace process {

// Contents of a file under /proc, cut at the buffer's size and terminated.
inline size_t read_file(const char* path, char* buffer, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    while (fd >= 0 && length + 1 < size) {
        ssize_t got = read(fd, buffer + length, size - 1 - length);
        if (got <= 0) break;
        length += static_cast<size_t>(got);
    }
    if (fd >= 0) close(fd);
    buffer[length] = 0;
    return length;
}

// Bytes of a "Name:   123 kB" line of /proc/self/status, 0 when it is missing.
inline size_t status_bytes(const char* name) {
    static char text[8192];
    read_file("/proc/self/status", text, sizeof text);
    const char* line = strstr(text, name);
    return line ? strtoul(line + strlen(name), nullptr, 10) * 1024 : 0;
}

inline size_t resident() {
    return status_bytes("VmRSS:");
}

// Sum of a field over all mappings, such as "AnonHugePages:" in /proc/self/smaps_rollup.
inline size_t rollup_bytes(const char* name) {
    static char text[8192];
    read_file("/proc/self/smaps_rollup", text, sizeof text);
    const char* line = strstr(text, name);
    return line ? strtoul(line + strlen(name), nullptr, 10) * 1024 : 0;
}

inline constexpr size_t kMiB = size_t{1} << 20;

// A small generator, so that runs repeat.
struct Random {
    uint64_t state;
    uint64_t next() {
        state ^= state << 13;
        state ^= state >> 7;
        return state ^= state << 17;
    }
    size_t below(size_t limit) { return static_cast<size_t>(next() % limit); }
    bool one_in(size_t n) { return below(n) == 0; }
};

}  // namespace process
