// SPDX-License-Identifier: MIT
// The probes of OpenTelemetry's contract for allocators: what a tracer (bpftrace, perf, gdb) attaches to. A nop each, and a note
// in the file (.note.stapsdt).
#pragma once
#include <cstddef>
#include <cstdint>

#include <sys/sdt.h>

namespace tarn::profile {

// `weight`: bytes that this sample stands for.
inline void probe_alloc(const void* pointer, uint64_t size, uint64_t weight) {
    STAP_PROBE3(otel_memory, alloc, pointer, size, weight);
}
inline void probe_free(const void* pointer) {
    STAP_PROBE1(otel_memory, free, pointer);
}

}  // namespace tarn::profile
