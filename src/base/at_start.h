// SPDX-License-Identifier: MIT
// All that every process runs and writes at start lies together, since each page is a fault: a process that ends
// at once has few of them.
#pragma once

// Functions: next to what the dynamic linker reads of the library.
#define TARN_AT_START [[gnu::section(".text.startup")]]
// Variables: on the page that has initial values.
#define TARN_WRITTEN_AT_START [[gnu::section(".data")]]
// Constants: between the code that reads them. Each needs a section of its own.
#define TARN_READ_AT_START(name) [[gnu::section(".text." #name)]]
