// SPDX-License-Identifier: MIT
#include "follow/variables.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <initializer_list>

#include "follow/marks.h"

namespace tarn::follow {

constinit Variables variables;

namespace {

bool starts_with(const char* text, const char* begin, size_t length) {
    return strncmp(text, begin, length) == 0;
}

size_t name_length(const char* entry) {
    const char* const end = strchr(entry, '=');
    return end ? static_cast<size_t>(end - entry) + 1 : 0;
}

// The first `length` bytes of an entry are ours. False: there is no room.
bool keep(const char* entry, size_t name, size_t length) {
    if (variables.count == sizeof variables.each / sizeof *variables.each ||
        length >= sizeof variables.text - variables.used)
        return false;
    char* const text = variables.text + variables.used;
    memcpy(text, entry, length);
    variables.used += length + 1;
    variables.each[variables.count++] = {text, name, starts_with(entry, kPreload, sizeof kPreload - 1)};
    return true;
}

void erase(char** at) {
    for (; *at; ++at)
        *at = at[1];
}

// What a mark says is so again. False: ours could not be kept.
bool undo(char** environment, char* mark) {
    char* const before = mark + kMarkLength;  // "NAME=before"
    const size_t name = name_length(before);
    char** const entry = name ? find(environment, before, name) : nullptr;
    bool kept = true;
    if (entry) {
        const bool was = starts_with(mark, kWas, kMarkLength), joined = was && before[name];
        const size_t length = strlen(*entry), behind = joined ? strlen(before + name) + 1 : 0;
        const bool is_preload = starts_with(*entry, kPreload, sizeof kPreload - 1);
        kept = keep(*entry, name, is_preload && behind + name <= length ? length - behind : length);
        was ? void(*entry = before) : erase(entry);
    }
    if (char** const at = find(environment, mark, strlen(mark))) erase(at);
    return kept;
}

// libtarn reads its options when it is called first, or in its own constructor: before they go.
void let_libtarn_read() {
    void* volatile block = malloc(1);
    free(block);
}

[[gnu::constructor]] void begin() {
    let_libtarn_read();
    bool kept = true;
    for (const char* mark : {kWas, kNew})
        while (char** const at = environ ? find(environ, mark, kMarkLength) : nullptr)
            kept &= undo(environ, *at);
    if (kept && variables.count) variables.process = getpid();
}

}  // namespace

char** find(char* const* environment, const char* begin, size_t length) {
    for (; *environment; ++environment)
        if (starts_with(*environment, begin, length)) return const_cast<char**>(environment);
    return nullptr;
}

}  // namespace tarn::follow
