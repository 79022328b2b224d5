// SPDX-License-Identifier: MIT
#include "backend/map/advice.h"

#include <atomic>

#include "base/options.h"
#include "os/os.h"

namespace tarn::map {

namespace {

enum class State : int {
    kUnknown,
    kNever,    // the machine has no huge pages, or the kernel refused for good
    kSandbox,  // a filter may end the process
    kAdvised,  // where they are asked for
    kAlways,   // wherever there is room
};
constinit std::atomic<State> state{State::kUnknown};

State find_out() {
    if (os::is_sandboxed()) return State::kSandbox;
    switch (os::huge_page_setting()) {
        case os::HugePageSetting::kNever:
            return State::kNever;
        case os::HugePageSetting::kAdvised:
            return State::kAdvised;
        case os::HugePageSetting::kAlways:
            return State::kAlways;
    }
    return State::kNever;
}

bool done(os::Answer answer) {
    if (answer == os::Answer::kNever) state.store(State::kNever, std::memory_order_relaxed);
    return answer == os::Answer::kDone;
}

bool refused() {
    return state.load(std::memory_order_relaxed) == State::kNever;
}

}  // namespace

bool worth_asking(size_t taken) {
    State now = state.load(std::memory_order_relaxed);
    if (now == State::kUnknown) {
        now = find_out();
        state.store(now, std::memory_order_relaxed);
    }
    return !refused() && (now != State::kSandbox || taken >= kMuch);
}

void advise_fresh(Range range) {
    const os::UnlistedCall may;
    if (!may || refused()) return;
    const bool always = state.load(std::memory_order_relaxed) == State::kAlways;
    if (options.huge_pages == HugePageUse::kAlways)
        done(os::advise_huge_pages(range.at, range.size));
    else if (options.huge_pages == HugePageUse::kNever || always)
        done(os::forbid_huge_pages(range.at, range.size));
}

bool want_huge(Range range) {
    const os::UnlistedCall may;
    return may && !refused() && done(os::advise_huge_pages(range.at, range.size));
}

size_t resident_bytes(Range range) {
    size_t found = 0;
    const os::UnlistedCall may;
    if (may && !refused()) done(os::resident(range.at, range.size, found));
    return found;
}

}  // namespace tarn::map
