// SPDX-License-Identifier: MIT
// Record: all that a record's file says, read at one moment and checked (include/tarn/record.h is the format). The file
// is taken for what anybody may have written: each offset, count and number in it is looked at before it is used, how
// much is read has a bound, and what is wrong costs its entry or its section and is named in `notes`.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reader/input.h"
#include "tarn/record.h"

namespace tarn::reader {

// What is not known is 0 or "".
struct Machine {
    std::string kernel;
    uint32_t processors = 0, page_size = 0;
    uint64_t memory = 0, memory_limit = 0;
};

struct Who {
    uint32_t pid = 0, uid = 0, parent = 0;
    uint64_t start_ticks = 0;
    bool forked = false;
    std::string program, executable, directory, tarn_version, backend;
    std::vector<std::string> arguments, options;
    Machine machine;
};

struct Module {
    uint64_t begin = 0, end = 0, file_offset = 0, load_bias = 0;
    uint64_t loaded_ns = 0, unloaded_ns = 0;
    std::string build_id;  // bytes
    std::string path;      // the executable's is filled in
};

struct Event {
    uint64_t number = 0, time_ns = 0;
    uint32_t kind = 0, thread = 0;
    uint64_t a = 0, b = 0;
    std::optional<uint32_t> stack;  // a number in stacks
    std::string text;
};

struct Counts {
    uint64_t objects_1024 = 0, bytes = 0;
};

struct Stack {
    std::vector<uint64_t> frames;  // innermost first
    bool cut = false;
    uint64_t first_seen_ns = 0, last_seen_ns = 0, samples = 0;
    Counts allocated, live, peak;
};

struct Sample {
    uint64_t address = 0, size = 0;
    Counts weight;
    uint64_t time_ns = 0;
    uint32_t stack = 0, thread = 0;
};

// One whose scripts' frames stand in the stacks, or which has none there.
struct Interpreter {
    std::string name, note;
    bool frames = false;
};

struct Record {
    tarn_record_header header = {};  // its sections are not for use: what they hold is below
    Who who;
    std::vector<Module> modules;
    uint64_t snapshot_ns = 0, snapshot_number = 0;
    std::optional<tarn_stats> stats;  // the newest snapshot
    uint64_t step_ns = 0;
    std::vector<tarn_record_point> points;  // in the order of time
    std::vector<Event> events;              // in the order of their numbers
    uint64_t events_lost = 0;               // older ones, which others have replaced
    std::vector<Stack> stacks;
    std::vector<Sample> samples;  // live objects
    std::string names;
    std::vector<Interpreter> interpreters;
    std::vector<std::string> notes;  // what could not be read, a line each

    // The last moment that anything tells of.
    uint64_t last_ns() const;
    // Mean bytes between samples: now or, when sampling was stopped, at the last start; 0 when it never was.
    uint64_t interval() const;
};

// Throws Unreadable when the file is none of a record, or one that only a newer reader understands.
Record read_record(const std::string& path);
Record read_record(const Input& input);

// Less of it, by a few small reads, for who looks at many records again and again: the header, who it is, the newest
// snapshot, and the last `points` of the time line.
Record read_outline(const Input& input, size_t points);

// What TARN_RECORD_FRAME_NAME says.
struct Named {
    std::string name, file;
    uint32_t line = 0;
};
Named named_frame(const Record& record, uint64_t frame);

inline bool is_named(uint64_t frame) {
    return (frame & TARN_RECORD_FRAME_NAME) != 0;
}
inline bool is_script(uint64_t frame) {
    return (frame & TARN_RECORD_FRAME_SCRIPT) == TARN_RECORD_FRAME_SCRIPT;
}

}  // namespace tarn::reader
