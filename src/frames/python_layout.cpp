// SPDX-License-Identifier: MIT
#include "frames/python_layout.h"

#include <string.h>

namespace tarn::frames {

namespace {

constexpr PythonLayout k3_9 = {.minor = 9,
                               .chain = Chain::kObjects,
                               .lines = Lines::kPairs,
                               .current_thread = 568,
                               .thread_key = 584,
                               .thread_id = 176,
                               .first = 24,
                               .previous = 24,
                               .code = 32,
                               .instruction = 104,
                               .name = 112,
                               .filename = 104,
                               .first_line = 40,
                               .line_table = 120};

constexpr PythonLayout of_3_10() {
    PythonLayout layout = k3_9;
    layout.minor = 10;
    layout.lines = Lines::kRanges;
    layout.cframe_previous = 8;
    layout.cframe_frame = 48;
    layout.instruction = 96;
    return layout;
}

constexpr PythonLayout kKnown[] = {
    k3_9,
    of_3_10(),
    {.minor = 11,
     .chain = Chain::kEntries,
     .current_thread = 576,
     .thread_key = 592,
     .thread_id = 152,
     .first = 56,
     .cframe_previous = 16,
     .cframe_frame = 8,
     .previous = 48,
     .code = 32,
     .instruction = 56,
     .owner = 69,
     .is_entry = 68,
     .name = 128,
     .filename = 112,
     .first_line = 72,
     .line_table = 136,
     .instructions = 184},
    {.minor = 12,
     .chain = Chain::kShims,
     .thread_key = 1544,
     .interpreters = 40,
     .threads = 72,
     .thread_id = 136,
     .first = 56,
     .cframe_previous = 8,
     .previous = 8,
     .instruction = 56,
     .owner = 70,
     .shim = 3,
     .name = 128,
     .filename = 112,
     .first_line = 68,
     .line_table = 136,
     .instructions = 192,
     .ascii_size = 40,
     .string_size = 56},
};

// Places in _Py_DebugOffsets, in words of 8 bytes.
struct Places {
    size_t interpreters, next_interpreter, threads, next_thread, first, thread_id, previous, code,
        instruction, owner, filename, name, line_table, first_line, instructions;
};
constexpr Places k3_13 = {5, 8, 9, 21, 23, 24, 29, 30, 31, 33, 35, 37, 38, 39, 43};
constexpr Places k3_14 = {5, 8, 9, 24, 26, 27, 32, 33, 34, 36, 40, 42, 43, 44, 48};
constexpr size_t kWords = 49;
// No structure of these is larger; what is, has been misread.
constexpr uint64_t kOffsetMost = 1 << 20;

bool from_debug_offsets(int minor, const void* runtime, PythonLayout& layout, const char*& why) {
    uint64_t word[kWords];
    memcpy(word, runtime, sizeof word);
    if (memcmp(word, "xdebugpy", sizeof word[0]) != 0 ||
        word[1] >> 16 != (0x300u | static_cast<unsigned>(minor))) {
        why = "its offsets for debuggers are not where they should be";
        return false;
    }
    if (word[2]) {
        why = "the build without the global lock is not known";
        return false;
    }
    const Places& at = minor == 13 ? k3_13 : k3_14;
    bool sound = true;
    const auto offset = [&](size_t place) {
        sound &= word[place] < kOffsetMost;
        return static_cast<size_t>(word[place]);
    };
    layout = {.minor = minor,
              .chain = Chain::kShimsAlone,
              .interpreters = offset(at.interpreters),
              .next_interpreter = offset(at.next_interpreter),
              .threads = offset(at.threads),
              .next_thread = offset(at.next_thread),
              .thread_id = offset(at.thread_id),
              .first = offset(at.first),
              .previous = offset(at.previous),
              .code = offset(at.code),
              .instruction = offset(at.instruction),
              .owner = offset(at.owner),
              .shim = 3,
              .name = offset(at.name),
              .filename = offset(at.filename),
              .first_line = offset(at.first_line),
              .line_table = offset(at.line_table),
              .instructions = offset(at.instructions),
              .ascii_size = 40,
              .string_size = 56};
    if (!sound) why = "its offsets for debuggers make no sense";
    return sound;
}

}  // namespace

bool python_layout(int minor, const void* runtime, PythonLayout& layout, const char*& why) {
    if (minor == 13 || minor == 14) return from_debug_offsets(minor, runtime, layout, why);
    for (const PythonLayout& known : kKnown)
        if (known.minor == minor) {
            layout = known;
            return true;
        }
    why = "this version is not known; 3.9 to 3.14 are";
    return false;
}

}  // namespace tarn::frames
