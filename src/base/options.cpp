// SPDX-License-Identifier: MIT
// The table of options, and the walk over the environment.
#include "base/options.h"

#include <initializer_list>

#include "base/at_start.h"
#include "base/message.h"
#include "base/output.h"
#include "base/text.h"
#include "names/option_names.h"
#include "names/spelling.h"
#include "os/os.h"

namespace tarn {

constinit Options options;

namespace {

// Says what is wrong with a value; NULL: nothing is. An option with a wrong value keeps the one it had.
using Complaint = const char*;
constexpr char kNotUnderstood[] = " is not understood and ignored: ";
constexpr char kTooLong[] = " is too long and ignored: ";
constexpr char kNowhere[] = " is relative to a directory that is gone, or too deep, and ignored: ";

Complaint unless(bool understood) {
    return understood ? nullptr : kNotUnderstood;
}

bool parse_flag(const char* value, bool& out) {
    for (const char* yes : {"1", "yes", "on", "true"})
        if (equal(value, yes)) return out = true, true;
    for (const char* no : {"0", "no", "off", "false", ""})
        if (equal(value, no)) return out = false, true;
    return false;
}

bool parse_bytes(const char* value, size_t& out) {
    size_t bytes = 0;
    if (*value < '0' || *value > '9') return false;
    for (; *value >= '0' && *value <= '9'; ++value)
        if (__builtin_mul_overflow(bytes, size_t{10}, &bytes) ||
            __builtin_add_overflow(bytes, static_cast<size_t>(*value - '0'), &bytes))
            return false;
    int shift = 0;
    if (*value == 'k' || *value == 'K')
        shift = 10, ++value;
    else if (*value == 'm' || *value == 'M')
        shift = 20, ++value;
    else if (*value == 'g' || *value == 'G')
        shift = 30, ++value;
    if (*value != 0 || (shift && bytes >> (64 - shift))) return false;
    out = bytes << shift;
    return true;
}

// Refuses what would come to nothing when it is rounded up, and what no machine has.
bool parse_bytes_to(size_t most, const char* value, size_t& out) {
    size_t bytes;
    if (!parse_bytes(value, bytes) || bytes > most) return false;
    return out = bytes, true;
}

Complaint copy(const char* value, char* out, size_t size) {
    size_t length = 0;
    while (value[length])
        ++length;
    if (length >= size) return kTooLong;
    for (size_t i = 0; i <= length; ++i)
        out[i] = value[i];
    return nullptr;
}

// The program may change directory before it ends: a relative path means the directory at start.
Complaint copy_path(const char* value, char* out, size_t size) {
    if (*value == '/' || *value == 0) return copy(value, out, size);
    char path[sizeof options.stats_file];
    if (!os::working_directory(path, sizeof path) || *path != '/') return kNowhere;
    size_t length = 0;
    while (path[length])
        ++length;
    if (length + 1 >= sizeof path) return kNowhere;
    path[length++] = '/';
    if (Complaint complaint = copy(value, path + length, sizeof path - length)) return complaint;
    return copy(path, out, size);
}

// "1", or a path.
Complaint parse_record(const char* value) {
    static constinit char text[kRecordPathMost];  // apart from what every process touches
    bool flag = false;
    const bool understood = parse_flag(value, flag);
    const Complaint complaint =
        understood ? copy(flag ? "1" : "", text, sizeof text) : copy_path(value, text, sizeof text);
    if (!complaint) options.record = *text ? text : nullptr;
    return complaint;
}

constexpr size_t kSampleInterval = size_t{512} << 10;
constexpr size_t kSampleIntervalMost = size_t{1} << 40;

bool parse_profile(const char* value, size_t& out) {
    bool flag = false;
    if (!parse_flag(value, flag)) return parse_bytes_to(kSampleIntervalMost, value, out);
    return out = flag ? kSampleInterval : 0, true;
}

constexpr size_t kGuardInterval = 5000;
constexpr size_t kGuardIntervalMost = size_t{1} << 40;
constexpr size_t kGuardSlotsMost = 16384;

// A flag, or 1/N: one allocation in N.
bool parse_guard(const char* value, size_t& out, bool& bounded) {
    bool flag = false;
    size_t interval = 0;
    if (parse_flag(value, flag)) return out = flag ? kGuardInterval : 0, bounded = true;
    if (value[0] != '1' || value[1] != '/' || !parse_bytes(value + 2, interval)) return false;
    if (interval == 0 || interval > kGuardIntervalMost) return false;
    bounded = false;
    return out = interval, true;
}

bool parse_guard_slots(const char* value, size_t& out) {
    size_t slots = 0;
    if (!parse_bytes(value, slots) || slots == 0 || slots > kGuardSlotsMost) return false;
    return out = slots, true;
}

bool parse_stats(const char* value, StatsFormat& out) {
    if (equal(value, "1") || equal(value, "text")) return out = StatsFormat::kText, true;
    if (equal(value, "classes")) return out = StatsFormat::kTextAndClasses, true;
    if (equal(value, "json")) return out = StatsFormat::kJson, true;
    if (equal(value, "prometheus") || equal(value, "openmetrics"))
        return out = StatsFormat::kPrometheus, true;
    if (equal(value, "0") || equal(value, "")) return out = StatsFormat::kNone, true;
    return false;
}

bool parse_huge_pages(const char* value, HugePageUse& out) {
    bool flag = false;
    if (equal(value, "auto")) return out = HugePageUse::kDenseBlocks, true;
    if (!parse_flag(value, flag)) return false;
    return out = flag ? HugePageUse::kAlways : HugePageUse::kNever, true;
}

const char* words(bool flag) {
    return flag ? "1" : "0";
}
const char* words(HugePageUse use) {
    return use == HugePageUse::kDenseBlocks ? "auto" : words(use == HugePageUse::kAlways);
}
const char* words(StatsFormat format) {
    switch (format) {
        case StatsFormat::kNone:
            return "0";
        case StatsFormat::kText:
            return "1";
        case StatsFormat::kJson:
            return "json";
        case StatsFormat::kPrometheus:
            return "prometheus";
        case StatsFormat::kTextAndClasses:
            return "classes";
    }
    return "0";
}

struct Option {
    const char* name;
    const char* help;
    Complaint (*parse)(const char* value);
    void (*print)(Text& text);
};

constexpr size_t kRegionMost = size_t{1} << 46;   // half of what a process may address
constexpr size_t kProcessMost = size_t{1} << 22;  // Linux, PID_MAX_LIMIT

constexpr Option kOptions[] = {
    {"TARN_BACKEND", "serves what no size class does: mimalloc, jemalloc, system, map, or a plugin's path",
     [](const char* v) { return copy(v, options.backend, sizeof options.backend); },
     [](Text& t) { t.add(*options.backend ? options.backend : TARN_DEFAULT_BACKEND); }},
    {"TARN_STATS", "report at exit: 1 (text), classes (text, a row for each size), json, prometheus",
     [](const char* v) { return unless(parse_stats(v, options.stats)); },
     [](Text& t) { t.add(words(options.stats)); }},
    {"TARN_STATS_FILE", "the report is appended to this file, not standard error; %p is the process id",
     [](const char* v) { return copy_path(v, options.stats_file, sizeof options.stats_file); },
     [](Text& t) { t.add(options.stats_file); }},
    {"TARN_STATS_PROCESS", "only the process with this id reports, not its children; 0: every process",
     [](const char* v) { return unless(parse_bytes_to(kProcessMost, v, options.stats_process)); },
     [](Text& t) { t.decimal(options.stats_process); }},
    {"TARN_VERBOSE", "1 shows the options and what was chosen, at start",
     [](const char* v) { return unless(parse_flag(v, options.verbose)); },
     [](Text& t) { t.add(words(options.verbose)); }},
    {"TARN_HARDENED", "1 finds misuse of the heap: guards, seals, quarantine, checks at every call",
     [](const char* v) { return unless(parse_flag(v, options.hardened)); },
     [](Text& t) { t.add(words(options.hardened)); }},
    {"TARN_QUARANTINE", "hardened: bytes of freed objects that wait before they are used again (k, m, g)",
     [](const char* v) { return unless(parse_bytes(v, options.quarantine)); },
     [](Text& t) { t.decimal(options.quarantine); }},
    {"TARN_HUGE_PAGES",
     "transparent huge pages: auto (large blocks used densely, small objects beyond 32 MiB), 0 (none) or 1 "
     "(all)",
     [](const char* v) { return unless(parse_huge_pages(v, options.huge_pages)); },
     [](Text& t) { t.add(words(options.huge_pages)); }},
    {"TARN_KEEP_DEEPBIND", "1 leaves RTLD_DEEPBIND to dlopen; otherwise it is cleared",
     [](const char* v) { return unless(parse_flag(v, options.keep_deepbind)); },
     [](Text& t) { t.add(words(options.keep_deepbind)); }},
    {"TARN_REGION", "most address space for small objects, bytes (k, m, g); 0: no bound",
     [](const char* v) { return unless(parse_bytes_to(kRegionMost, v, options.region)); },
     [](Text& t) { t.decimal(options.region); }},
    {"TARN_DIRTY",
     "free memory that may stay resident, bytes (k, m, g), and up to three times as much besides where it "
     "was missed; or an eighth of what is in use, if that is more",
     [](const char* v) { return unless(parse_bytes(v, options.dirty)); },
     [](Text& t) { t.decimal(options.dirty); }},
    {"TARN_MAP_FROM", "blocks of this size and more go to map whatever the backend, bytes (k, m, g)",
     [](const char* v) { return unless(parse_bytes(v, options.map_from)); },
     [](Text& t) { t.decimal(options.map_from); }},
    {"TARN_RECORD",
     "writes down what the process does, for tools to read: 1 (a file on tmpfs) or a path; %p is the process "
     "id, "
     "%n the program's name",
     [](const char* v) { return parse_record(v); },
     [](Text& t) {
         t.add(options.record ? options.record : options.records() ? "1" : "0");
     }},
    {"TARN_RECORD_KEEP",
     "1 leaves the record of a process that ends as it should; one with a path stays anyway",
     [](const char* v) { return unless(parse_flag(v, options.record_keep)); },
     [](Text& t) { t.add(words(options.record_keep)); }},
    {"TARN_RECORD_CHILDREN", "0: what the process forks makes no record",
     [](const char* v) { return unless(parse_flag(v, options.record_children)); },
     [](Text& t) { t.add(words(options.record_children)); }},
    {"TARN_PROFILE",
     "samples allocations into the record, one in so many bytes in the mean (k, m, g); 1: 512k; 0: none",
     [](const char* v) { return unless(parse_profile(v, options.profile)); },
     [](Text& t) { t.decimal(options.profile); }},
    {"TARN_GUARD",
     "one allocation in so many lies beside a guard page and may not be touched after its free: 1/N; "
     "1: 1/5000, and fewer where there are very many; 0: none",
     [](const char* v) { return unless(parse_guard(v, options.guard, options.guard_bounded)); },
     [](Text& t) {
         const bool plain = options.guard == 0 || options.guard_bounded;
         if (!plain) t.add("1/");
         t.decimal(plain ? options.guard > 0 : options.guard);
     }},
    {"TARN_GUARD_SLOTS", "how many guarded objects there may be at once, freed ones included",
     [](const char* v) { return unless(parse_guard_slots(v, options.guard_slots)); },
     [](Text& t) { t.decimal(options.guard_slots); }},
};

constexpr int kCount = sizeof kOptions / sizeof kOptions[0];

consteval bool has_the_names() {
    if (sizeof kOptionNames / sizeof *kOptionNames != kCount) return false;
    for (int i = 0; i < kCount; ++i)
        for (const char *name = kOptionNames[i], *own = kOptions[i].name; *name || *own; ++name, ++own)
            if (*name != *own) return false;
    return true;
}
static_assert(has_the_names());
static_assert(kCount <= kOptionsMost);
TARN_WRITTEN_AT_START constinit bool given[kCount];

// The value in "NAME=value", or NULL when `entry` is another variable.
const char* value_of(const char* entry, const char* name) {
    while (*name && *entry == *name)
        ++entry, ++name;
    return *name == 0 && *entry == '=' ? entry + 1 : nullptr;
}

constexpr size_t kPrefixLength = 5;

// In code alone: most processes need no page of constants at start.
bool has_prefix(const char* entry) {
    return entry[0] == 'T' && entry[1] == 'A' && entry[2] == 'R' && entry[3] == 'N' && entry[4] == '_';
}

// The number of the option that this variable is; -1: none.
int option_of(const char* entry) {
    for (int i = 0; i < kCount; ++i)
        if (value_of(entry, kOptions[i].name)) return i;
    return -1;
}

void read_option(int i, const char* entry) {
    const Option& option = kOptions[i];
    const char* const value = value_of(entry, option.name);
    const Complaint complaint = option.parse(value);
    given[i] = !complaint;
    if (complaint) warn(option.name, "=", value, complaint, option.help);
}

// A variable that is no option. Others than tarn may use such names.
void tell_if_misspelt(const char* entry) {
    size_t length = 0;
    while (entry[length] && entry[length] != '=')
        ++length;
    const char* meant = nullptr;
    for (const Option& option : kOptions)
        if (misspelt(entry + kPrefixLength, length - kPrefixLength, option.name + kPrefixLength))
            meant = option.name;
    if (!meant && !options.verbose) return;
    Output output(2);
    Text text(output);
    text.add("tarn: ").add(entry, length).add(" is not an option of tarn's");
    if (meant) text.add("; ").add(meant).add(" is");
    text.add('\n');
}

}  // namespace

bool read_options() {
    if (os::privileged()) return true;
    char** const environment = os::environment();
    if (!environment) return false;
    for (bool& one : given)
        if (one) one = false;  // a page that is only read costs nothing
    bool others = false;
    for (char** entry = environment; *entry; ++entry) {
        if (!has_prefix(*entry)) continue;
        const int option = option_of(*entry);
        option >= 0 ? read_option(option, *entry) : void(others = true);
    }
    if (options.hardened) options.guard = 0;  // it guards more than samples
    // Afterwards, since TARN_VERBOSE may be anywhere.
    for (char** entry = environment; others && *entry; ++entry)
        if (has_prefix(*entry) && option_of(*entry) < 0) tell_if_misspelt(*entry);
    return true;
}

void print_options(Text& text) {
    for (const Option& option : kOptions) {
        text.add("tarn: ").padded(option.name, 21).add("= ");
        option.print(text);
        text.add("   (").add(option.help).add(")\n");
    }
}

int option_count() {
    return kCount;
}
const char* option_name(int option) {
    return kOptions[option].name;
}
bool option_given(int option) {
    return given[option];
}
void print_option(Text& text, int option) {
    kOptions[option].print(text);
}

}  // namespace tarn
