// SPDX-License-Identifier: MIT
#include "base/message.h"

#include <signal.h>

#include <cstdlib>

#include "base/output.h"
#include "base/text.h"
#include "os/os.h"

namespace tarn {

namespace {

constexpr int kStandardError = 2;

constinit JoinList<Claim> claims;
constinit std::atomic<FaultTeller> fault_teller{nullptr};
constinit bool names_threads = false;

const char* words(Fault fault) {
    switch (fault) {
        case Fault::kDoubleFree:
            return "double free";
        case Fault::kInsideObject:
            return "pointer into an object";
        case Fault::kNeverHandedOut:
            return "pointer never handed out";
        case Fault::kWrongSize:
            return "wrong size";
        case Fault::kOverflow:
            return "write past the end";
        case Fault::kUnderflow:
            return "write before the begin";
        case Fault::kWriteAfterFree:
            return "write after free";
        case Fault::kWrongForm:
            return "wrong form of free";
        case Fault::kWrongHeap:
            return "pointer of another heap";
        case Fault::kInternal:
            return "internal error";
    }
    return "internal error";
}

// "" when nobody says so.
const char* whose(const void* pointer) {
    for (const Claim* claim = claims.first(); claim; claim = claim->next)
        if (const char* const words = claim->whose(pointer)) return words;
    return "";
}

}  // namespace

void tell_faults_to(FaultTeller teller) {
    fault_teller.store(teller, std::memory_order_release);
}

void name_threads() {
    names_threads = true;
}

void join_claims(Claim& claim) {
    claims.join(claim);
}

void warn(const char* a, const char* b, const char* c, const char* d, const char* e) {
    Output output(kStandardError);
    Text(output).add("tarn: ").add(a).add(b).add(c).add(d).add(e).add('\n');
}

namespace {

struct FaultWords {
    Fault fault;
    const void* pointer;
    const char* detail;
    size_t number;
    const char* unit;
    int thread;  // 0: not named

    void print(Text& text) const {
        text.add("tarn: ").add(words(fault)).add(": ").address(pointer);
        if (*detail) text.add(", ").add(detail);
        if (*unit) text.add(' ').decimal(number).add(' ').add(unit);
        const char* const more = fault == Fault::kInsideObject ? whose(pointer) : "";
        if (*more) text.add(", ").add(more);
        if (thread) text.add(", in thread ").decimal(static_cast<size_t>(thread));
    }
};

void tell_fault(const FaultWords& fault) {
    const FaultTeller teller = fault_teller.load(std::memory_order_acquire);
    if (!teller) return;
    Line line;
    {
        Text text(Line::sink, &line);
        fault.print(text);
    }
    teller(fault.pointer, line.text);
}

}  // namespace

void die(Fault fault, const void* pointer, const char* detail, size_t number, const char* unit) {
    const FaultWords words{fault, pointer, detail, number, unit, names_threads ? os::thread_id() : 0};
    tell_fault(words);
    {
        Output output(kStandardError);
        Text text(output);
        words.print(text);
        text.add('\n');
    }
    abort();
}

}  // namespace tarn
