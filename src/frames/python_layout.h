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

// Defaults are what most of the versions have.
struct PythonLayout {
    int minor = 0;
    Chain chain = Chain::kObjects;
    Lines lines = Lines::kLocations;
    // _PyRuntime
    size_t current_thread = 0;  // 0: not there
    size_t thread_key = 0;      // Py_tss_t; 0: threads are looked for in the list
    size_t interpreters = 0;    // used without a key
    // PyInterpreterState
    size_t next_interpreter = 0, threads = 0;
    // PyThreadState
    size_t next_thread = 8, thread_id = 0;
    size_t first = 0;  // cframe, or the first frame
    // CFrame
    size_t cframe_previous = 0, cframe_frame = 0;
    // the frame
    size_t previous = 0, code = 0, instruction = 0, owner = 0, is_entry = 0;
    uint8_t shim = 0;  // `owner` from here on: a frame without code, on the C stack
    // PyCodeObject
    size_t name = 0, filename = 0, first_line = 0, line_table = 0, instructions = 0;
    // Python objects
    size_t string_length = 16, string_state = 32, string_kind_bit = 2, ascii_size = 48, string_size = 72;
    size_t bytes_size = 16, bytes_data = 32;
};

// False: this version is not known; `why` says what is.
bool python_layout(int minor, const void* runtime, PythonLayout& layout, const char*& why);

}  // namespace tarn::frames
