// SPDX-License-Identifier: MIT
#include "record/events.h"

#include "os/os.h"
#include "record/record.h"
#include "record/writing.h"

namespace tarn::record {

void event(tarn_record_event_kind kind, uint64_t a, uint64_t b, const char* text, uint64_t stack) {
    if (!writes_here()) return;
    const Writing here;
    tarn_record_section* const events = section(TARN_RECORD_EVENTS);
    const uint64_t number = __atomic_fetch_add(&events->count, 1, __ATOMIC_RELAXED);
    const uint64_t place = number % events->capacity;
    if (!state.events.reserve((place + 1) * sizeof(tarn_record_event))) return;
    tarn_record_event& entry = state.events.entry<tarn_record_event>(place);
    __atomic_store_n(&entry.sequence, 2 * number + 1, __ATOMIC_RELAXED);
    std::atomic_thread_fence(std::memory_order_release);
    entry.time_ns = os::nanoseconds();
    entry.kind = kind;
    entry.thread = static_cast<uint32_t>(os::thread_id());
    entry.a = a;
    entry.b = b;
    entry.stack = stack;
    size_t length = 0;
    for (; text[length] && length + 1 < sizeof entry.text; ++length)
        entry.text[length] = text[length];
    for (; length < sizeof entry.text; ++length)
        entry.text[length] = 0;
    __atomic_store_n(&entry.sequence, 2 * number + 2, __ATOMIC_RELEASE);
}

}  // namespace tarn::record
