// SPDX-License-Identifier: MIT
// Where CPython keeps what its frames are: by version, as its own headers say (Include/internal/pycore_*.h,
// Include/cpython/frameobject.h), and from 3.13 on as the interpreter says itself (_Py_DebugOffsets).
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn::frames {

// How script frames hang together.
enum class Chain : uint8_t {
    kObjects,     // 3.9, 3.10: frame objects, one for each call of the loop
    kEntries,     // 3.11: frames; those that entered the loop say so
    kShims,       // 3.12: a frame without code on the C stack stands for each call of the loop
    kShimsAlone,  // 3.13 and on: the same, and nothing else is on the C stack
};
enum class Lines : uint8_t { kPairs, kRanges, kLocations };  // up to 3.9, 3.10, from 3.11 on

struct PythonLayout {
    int minor;
    Chain chain;
    Lines lines;
    // _PyRuntime
    size_t current_thread;  // 0: not there
    size_t thread_key;      // Py_tss_t; 0: threads are looked for in the list
    size_t interpreters;    // used without a key
    // PyInterpreterState
    size_t next_interpreter, threads;
    // PyThreadState
    size_t next_thread, thread_id;
    size_t first;  // cframe, or the first frame
    // CFrame
    size_t cframe_previous, cframe_frame;
    // the frame
    size_t previous, code, instruction, owner, is_entry;
    uint8_t shim;  // `owner` from here on: a frame without code, on the C stack
    // PyCodeObject
    size_t name, filename, first_line, line_table, instructions;
    // Python objects
    size_t string_length, string_state, string_kind_bit, ascii_size, string_size, bytes_size, bytes_data;
};

// False: this version is not known; `why` says what is.
bool python_layout(int minor, const void* runtime, PythonLayout& layout, const char*& why);

}  // namespace tarn::frames
