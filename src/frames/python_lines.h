// SPDX-License-Identifier: MIT
// The line of an instruction, from a code object's table of lines: Objects/lnotab_notes.txt of CPython up to 3.9, PEP 626 for
// 3.10, Objects/locations.md from 3.11 on.
#pragma once
#include "frames/python_layout.h"
#include "frames/reading.h"

namespace tarn::frames {

// `table`: the address of its bytes; `at`: the instruction, in bytes from the first one on, below 0: none yet. 0: it has no line.
uint32_t python_line(const Reading& reading, Lines lines, uintptr_t table, size_t size, int64_t at,
                     int first_line);

}  // namespace tarn::frames
