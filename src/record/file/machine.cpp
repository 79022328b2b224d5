// SPDX-License-Identifier: MIT
#include "record/file/machine.h"

#include "os/shared_file.h"

namespace tarn::record {

namespace {

constexpr int kMostLevels = 32;  // of groups within groups

// The number at `at`, which moves behind it; false: there is none.
bool take_number(const char*& at, uint64_t& number) {
    const char* const begin = at;
    for (number = 0; *at >= '0' && *at <= '9'; ++at)
        number = number * 10 + static_cast<uint64_t>(*at - '0');
    return at != begin;
}

bool take(const char*& at, const char* word) {
    const char* here = at;
    for (; *word; ++word, ++here)
        if (*here != *word) return false;
    at = here;
    return true;
}

// "0-3,8"
uint32_t processors_online() {
    char text[256];
    os::read_text("/sys/devices/system/cpu/online", text, sizeof text);
    uint64_t count = 0, first = 0, last = 0;
    for (const char* at = text; take_number(at, first); take(at, ",")) {
        last = first;
        if (take(at, "-") && !take_number(at, last)) return 0;
        count += last >= first ? last - first + 1 : 0;
    }
    return static_cast<uint32_t>(count);
}

// A file's name: a folder that is gone up from, and a name in it.
struct LimitFile {
    char text[1024];
    size_t length = 0;

    bool add(const char* begin, const char* end) {
        if (length + static_cast<size_t>(end - begin) >= sizeof text) return false;
        for (; begin != end; ++begin)
            text[length++] = *begin;
        text[length] = 0;
        return true;
    }
    bool add(const char* word) {
        const char* end = word;
        while (*end)
            ++end;
        return add(word, end);
    }
};

// The least that the group at `begin` to `end` or one that it lies in may have; 0: no limit is known.
uint64_t least_limit(const char* mount, const char* begin, const char* end, const char* name) {
    constexpr uint64_t kNone = uint64_t{1} << 62;  // version 1 has a number for it
    uint64_t least = 0;
    for (int level = 0; level < kMostLevels; ++level) {
        while (end != begin && end[-1] == '/')
            --end;
        LimitFile path;
        char text[32];
        uint64_t bytes = 0;
        if (path.add(mount) && path.add(begin, end) && path.add(name)) {
            os::read_text(path.text, text, sizeof text);
            const char* at = text;  // or "max"
            if (take_number(at, bytes) && bytes < kNone && (!least || bytes < least)) least = bytes;
        }
        if (end == begin) break;
        while (end != begin && end[-1] != '/')
            --end;
    }
    return least;
}

// Lines of /proc/self/cgroup: "NUMBER:CONTROLLERS:GROUP"; version 2 has no controllers. Where version 1 has the
// controller of memory, version 2 has no such files.
uint64_t memory_limit() {
    char text[4096];
    os::read_text("/proc/self/cgroup", text, sizeof text);
    uint64_t least = 0, number = 0;
    for (const char* at = text; take_number(at, number) && take(at, ":");) {
        const bool two = take(at, ":"), one = !two && take(at, "memory:");
        while (!two && !one && *at && *at != '\n' && *at++ != ':') {
        }
        const char* end = at;
        while (*end && *end != '\n')
            ++end;
        const uint64_t limit = two   ? least_limit("/sys/fs/cgroup", at, end, "/memory.max")
                               : one ? least_limit("/sys/fs/cgroup/memory", at, end, "/memory.limit_in_bytes")
                                     : 0;
        if (limit && (!least || limit < least)) least = limit;
        at = *end ? end + 1 : end;
    }
    return least;
}

}  // namespace

void tell_machine(tarn_record_who& who) {
    os::kernel_release(who.kernel, sizeof who.kernel);
    who.processors = processors_online();
    who.memory = os::machine_memory();
    who.memory_limit = memory_limit();
}

}  // namespace tarn::record
