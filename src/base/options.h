// SPDX-License-Identifier: MIT
// The one list of options. Each is an environment variable TARN_<NAME>, read once, before libc is ready
// and without allocating; ignored as a whole in privileged programs (AT_SECURE).
#pragma once
#include <cstddef>
#include <cstdint>

#ifndef TARN_HARDENED_DEFAULT
#define TARN_HARDENED_DEFAULT false  // Meson: -Dhardened=true
#endif
#ifndef TARN_DEFAULT_BACKEND
#define TARN_DEFAULT_BACKEND "map"  // Meson: -Ddefault_backend
#endif

namespace tarn {

class Text;

// Which memory gets transparent huge pages: large blocks where they are used densely; none; all.
enum class HugePageUse : uint8_t { kDenseBlocks, kNever, kAlways };

// kTextAndClasses: the table has all classes.
enum class StatsFormat : uint8_t { kNone, kText, kJson, kPrometheus, kTextAndClasses };

inline constexpr size_t kRecordPathMost = 512;

struct Options {
    char backend[256] = {};                              // TARN_BACKEND; empty: the build's default
    StatsFormat stats = StatsFormat::kNone;              // TARN_STATS
    char stats_file[512] = {};                           // TARN_STATS_FILE, absolute; empty: standard error
    size_t stats_process = 0;                            // TARN_STATS_PROCESS; 0: every process reports
    bool verbose = false;                                // TARN_VERBOSE
    bool hardened = TARN_HARDENED_DEFAULT;               // TARN_HARDENED
    HugePageUse huge_pages = HugePageUse::kDenseBlocks;  // TARN_HUGE_PAGES
    size_t quarantine = size_t{256} << 10;               // TARN_QUARANTINE; bytes of freed objects that wait
    bool keep_deepbind = false;                          // TARN_KEEP_DEEPBIND
    bool record_keep = false;                            // TARN_RECORD_KEEP
    bool record_children = true;                         // TARN_RECORD_CHILDREN
    size_t region = 0;                                   // TARN_REGION; 0: no bound
    size_t dirty = size_t{8} << 20;       // TARN_DIRTY; free memory that may stay resident, at least
    size_t map_from = size_t{128} << 10;  // TARN_MAP_FROM; blocks from here on go to `map`
    size_t profile = 0;                   // TARN_PROFILE; mean bytes between samples, 0: none are taken
    size_t guard = 0;                     // TARN_GUARD; one allocation in so many is guarded, 0: none
    bool guard_bounded = false;           // the same: fewer where there are very many
    size_t guard_slots = 256;             // TARN_GUARD_SLOTS
    const char* record = nullptr;         // TARN_RECORD, absolute; "1": the default place; NULL: none

    bool records() const { return record || profile > 0; }
    bool needs_module() const { return records() || guard > 0; }
};

// The options in force; defaults until read_options has run, which alone writes them.
extern Options options;

// Reads the environment; a value that cannot be understood gets one line of warning and is ignored.
// Does nothing when the program is privileged. Returns false when libc has no environment yet.
bool read_options();

// Every option with its value, one per line, as TARN_VERBOSE=1 shows them.
void print_options(Text& text);

// The same list one by one, for reports: 0 .. option_count() - 1.
inline constexpr int kOptionsMost = 20;
int option_count();
const char* option_name(int option);
bool option_given(int option);              // by the environment, and understood
void print_option(Text& text, int option);  // its value alone

}  // namespace tarn
