// SPDX-License-Identifier: MIT
#include "follow/environment.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "follow/marks.h"
#include "follow/variables.h"

namespace tarn::follow {

namespace {

// Strings, one behind the other.
class Writer {
  public:
    explicit Writer(char* at) : at_(at), begin_(at) {}
    Writer& add(const char* text, size_t length) {
        memcpy(at_, text, length);
        at_ += length;
        return *this;
    }
    Writer& add(const char* text) { return add(text, strlen(text)); }
    char* string() {
        char* const begin = begin_;
        *at_++ = 0;
        begin_ = at_;
        return begin;
    }

  private:
    char *at_, *begin_;
};

bool is_ours(char* const* environment) {
    return environment && variables.process == getpid() && !find(environment, kWas, kMarkLength) &&
           !find(environment, kNew, kMarkLength);
}

// With the end of each string, the mark's as well.
size_t bytes_for(const Variable& variable, char* const* environment) {
    char** const entry = find(environment, variable.text, variable.name);
    return strlen(variable.text) + 2 + kMarkLength + variable.name + (entry ? 2 * strlen(*entry) + 1 : 0);
}

char* with_ours(Writer& writer, const Variable& variable, const char* before) {
    writer.add(variable.text);
    if (before && variable.is_preload && before[variable.name]) writer.add(":").add(before + variable.name);
    return writer.string();
}

char* mark(Writer& writer, const Variable& variable, const char* before) {
    before ? writer.add(kWas).add(before) : writer.add(kNew).add(variable.text, variable.name);
    return writer.string();
}

}  // namespace

Environment::Environment(char* const* asked) : asked_(asked) {
    if (!is_ours(asked)) return;
    size_t count = 0, text = 0;
    while (asked[count])
        ++count;
    for (size_t i = 0; i < variables.count; ++i)
        text += bytes_for(variables.each[i], asked);
    const size_t entries = (count + 2 * variables.count + 1) * sizeof(char*);
    bytes_ = entries + text;
    void* const memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    made_ = static_cast<char**>(memory);
    memcpy(made_, asked, count * sizeof(char*));
    Writer writer(static_cast<char*>(memory) + entries);
    for (size_t i = 0; i < variables.count; ++i) {
        const Variable& variable = variables.each[i];
        char** const entry = find(asked, variable.text, variable.name);
        const char* const before = entry ? *entry : nullptr;
        made_[entry ? static_cast<size_t>(entry - asked) : count++] = with_ours(writer, variable, before);
        made_[count++] = mark(writer, variable, before);
    }
}

Environment::~Environment() {
    if (made_) munmap(made_, bytes_);
}

}  // namespace tarn::follow
