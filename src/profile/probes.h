// SPDX-License-Identifier: MIT
// The probes of OpenTelemetry's contract for allocators: what a tracer (bpftrace, perf, gdb) attaches to. A nop each, and a note
// in the file (.note.stapsdt). Nothing where the header is not installed that makes them (Debian: systemtap-sdt-dev).
#pragma once
#include <cstddef>
#include <cstdint>

#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#else
#define STAP_PROBE3(provider, name, a, b, c) ((void)(a), (void)(b), (void)(c))
#define STAP_PROBE1(provider, name, a) ((void)(a))
#endif

namespace tarn::profile {

// `weight`: bytes that this sample stands for.
inline void probe_alloc(const void* pointer, uint64_t size, uint64_t weight) {
    STAP_PROBE3(otel_memory, alloc, pointer, size, weight);
}
inline void probe_free(const void* pointer) {
    STAP_PROBE1(otel_memory, free, pointer);
}

}  // namespace tarn::profile
