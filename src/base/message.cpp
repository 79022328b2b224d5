// SPDX-License-Identifier: MIT
#include "base/message.h"

#include <signal.h>

#include <cstdlib>

#include "base/output.h"
#include "base/text.h"

namespace tarn {

namespace {

constexpr int kStandardError = 2;

constinit JoinList<Claim> claims;

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

void join_claims(Claim& claim) {
    claims.join(claim);
}

void warn(const char* a, const char* b, const char* c, const char* d, const char* e) {
    Output output(kStandardError);
    Text(output).add("tarn: ").add(a).add(b).add(c).add(d).add(e).add('\n');
}

void die(Fault fault, const void* pointer, const char* detail, size_t number, const char* unit) {
    {
        Output output(kStandardError);
        Text text(output);
        text.add("tarn: ").add(words(fault)).add(": ").address(pointer);
        if (*detail) text.add(", ").add(detail);
        if (*unit) text.add(' ').decimal(number).add(' ').add(unit);
        const char* const more = fault == Fault::kInsideObject ? whose(pointer) : "";
        if (*more) text.add(", ").add(more);
        text.add('\n');
    }
    abort();
}

}  // namespace tarn
