// SPDX-License-Identifier: MIT
#include "guard/report.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>

#include <new>

#include "base/output.h"
#include "base/text.h"
#include "os/lock.h"
#include "os/os.h"
#include "os/shared_file.h"
#include "profile/books.h"
#include "profile/stack.h"
#include "record/events.h"
#include "record/record.h"
#include "record/watch.h"
#include "seam/guard_counts.h"
#include "unwind/walk.h"

// Without locks, from any thread: glibc 2.35.
extern "C" [[gnu::weak]] int _dl_find_object(void*, struct dl_find_object*) noexcept;

namespace tarn::guard {

namespace {

constexpr uint64_t kWaitMost = 2'000'000'000;  // ns
constexpr uint64_t kReportsMost = 8;           // a program may go on after each

struct Reports {
    Lock lock;
    Trace access;  // of the present one
    std::atomic<uint64_t> count{0};
    char executable[512];
    alignas(Text) char room[sizeof(Text)];  // there may be little stack
};
constinit Reports reports = {};

constexpr const char* kFreed = "freed";

struct Fault {
    uintptr_t address;
    const Slot* slot;  // NULL: of none
    State state;
    const char* kind;
    const char* verb;  // "" where it was no access
    const char* done;  // by the thread whose trace is the present one
};

const char* verb_of(Access access) {
    switch (access) {
        case Access::kRead:
            return "reads";
        case Access::kWrite:
            return "writes";
        case Access::kCall:
            return "calls";
        case Access::kUnknown:
            break;
    }
    return "touches";
}

bool is_freed(State state) {
    return state == State::kFree || state == State::kFreeing;
}

const char* kind_of_access(uintptr_t address, const Place& place) {
    if (!place.slot) return "access outside of all objects";
    if (is_freed(place.state)) return "use after free";
    return address < place.slot->begin ? "underflow" : "overflow";
}

const char* kind_of_misuse(const Place& place, Misuse misuse) {
    if (!place.slot) return "pointer never handed out";
    if (is_freed(place.state))
        return misuse == Misuse::kFree && place.begins ? "double free" : "pointer into a freed object";
    return "pointer into an object";
}

Text& bytes(Text& text, uint64_t count) {
    return text.decimal(count).add(count == 1 ? " byte" : " bytes");
}

void print_where(Text& text, const Fault& fault) {
    const Slot& slot = *fault.slot;
    const uintptr_t end = slot.begin + slot.asked;
    if (fault.address < slot.begin)
        bytes(text, slot.begin - fault.address).add(" before");
    else if (fault.address >= end && fault.address != slot.begin)
        bytes(text, fault.address - end).add(" past the end of");
    else
        bytes(text, fault.address - slot.begin).add(" into");
    bytes(text.add(" an object of "), slot.asked).add(" at ").hex(slot.begin);
}

void print_fault(Text& text, const Fault& fault) {
    text.add("tarn: ").add(fault.kind).add(": ");
    if (*fault.verb) text.add("thread ").decimal(reports.access.thread).add(' ').add(fault.verb).add(' ');
    text.hex(fault.address);
    if (!fault.slot) return;
    text.add(", ");
    print_where(text, fault);
    if (fault.state == State::kLive && fault.done == kFreed) text.add(", seen when it was freed");
}

// FILE OFFSET, as addr2line takes them; of a call, the byte before the one that it returns to.
void print_frame(Text& text, uint64_t frame) {
    const bool exact = frame & unwind::kExact;
    const uintptr_t address = (frame & ~unwind::kExact) - !exact;
    dl_find_object found;
    text.add("tarn:     ");
    if (!_dl_find_object || _dl_find_object(reinterpret_cast<void*>(address), &found) != 0) {
        text.hex(address).add('\n');
        return;
    }
    const link_map& map = *found.dlfo_link_map;
    text.add(*map.l_name ? map.l_name : reports.executable).add(' ').hex(address - map.l_addr).add('\n');
}

void print_trace(Text& text, const char* what, const Trace& trace, uint64_t now) {
    text.add("tarn:   ").add(what).add(" by thread ").decimal(trace.thread);
    if (now) {
        const uint64_t passed = now > trace.time_ns ? now - trace.time_ns : 0;
        text.add(", ").fixed(static_cast<double>(passed) / 1e9, 2).add(" s ago");
    }
    text.add(":\n");
    for (size_t i = 0; i < trace.depth; ++i)
        print_frame(text, trace.frames[i]);
    if (trace.cut) text.add("tarn:     ...\n");
}

void print(Text& text, const Fault& fault) {
    const uint64_t now = os::coarse_nanoseconds();
    print_fault(text, fault);
    text.add('\n');
    print_trace(text, fault.done, reports.access, 0);
    if (!fault.slot) return;
    if (is_freed(fault.state) && fault.slot->freed.thread) print_trace(text, "freed", fault.slot->freed, now);
    print_trace(text, "allocated", fault.slot->allocated, now);
    text.add("tarn:   addr2line -Cfpie FILE OFFSET says where that is\n");
}

void event_of(uintptr_t address, const char* words, const Trace& trace) {
    const uint32_t stack =
        profile::number_of({trace.frames, trace.depth, trace.cut}, os::coarse_nanoseconds());
    record::event(TARN_RECORD_EVENT_MISUSE, address, 0, words,
                  stack == profile::kNoStack ? 0 : uint64_t{stack} + 1);
}

// The fault itself last: it is what the record's reader looks for.
void tell_record(const Fault& fault) {
    if (!record::ensure_begun()) return;
    if (fault.slot) {
        event_of(fault.slot->begin, "of what was misused: its allocation", fault.slot->allocated);
        if (is_freed(fault.state) && fault.slot->freed.thread)
            event_of(fault.slot->begin, "of what was misused: its free", fault.slot->freed);
    }
    Line line;
    Text& text = *new (reports.room) Text(Line::sink, &line);
    print_fault(text, fault);
    text.~Text();
    event_of(fault.address, line.text, reports.access);
    record::publish_now();
}

// With the lock held, and the access's trace taken.
void say(const Fault& fault) {
    record::state.host->guard_counts->faults.fetch_add(1, std::memory_order_relaxed);
    tell_record(fault);
    Output output(2);
    Text& text = *new (reports.room) Text(output);
    print(text, fault);
    text.~Text();
}

// Reports in the middle of another one, of this thread, are left out.
bool begin_report() {
    if (reports.count.fetch_add(1, std::memory_order_relaxed) >= kReportsMost) return false;
    return !reports.lock.is_mine() && reports.lock.lock_within(kWaitMost);
}

}  // namespace

void prepare_report() {
    os::read_link("/proc/self/exe", reports.executable, sizeof reports.executable);
}

void report_after_fork_child() {
    if (!reports.lock.is_mine()) reports.lock.reset();
}

void report_access(uintptr_t address, Access access, const unwind::Registers& at) {
    if (!begin_report()) return;
    Trace& trace = reports.access;
    trace.time_ns = os::coarse_nanoseconds();
    const profile::Frames frames = profile::frames_from(at, trace.time_ns, trace.frames, kFramesMost);
    trace.depth = static_cast<uint32_t>(frames.depth);
    trace.cut = frames.cut;
    trace.thread = static_cast<uint32_t>(os::thread_id());
    const Place place = place_of(address);
    say({address, place.slot, place.state, kind_of_access(address, place), verb_of(access), "accessed"});
    reports.lock.unlock();
}

void report_written(uintptr_t address, const Place& place) {
    if (!begin_report()) return;
    trace_here(reports.access);
    say({address, place.slot, State::kLive, kind_of_access(address, {place.slot, State::kLive, true}), "",
         kFreed});
    reports.lock.unlock();
}

void die_of_misuse(uintptr_t pointer, const Place& place, Misuse misuse) {
    if (begin_report()) {
        trace_here(reports.access);
        say({pointer, place.slot, place.state, kind_of_misuse(place, misuse), "", "passed"});
        reports.lock.unlock();
    }
    abort();
}

}  // namespace tarn::guard
