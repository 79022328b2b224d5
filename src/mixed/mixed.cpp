// SPDX-License-Identifier: MIT
#include "mixed/mixed.h"

#include "base/at_start.h"
#include "mixed/store.h"

namespace tarn::mixed {

namespace {

TARN_WRITTEN_AT_START constinit Store<kMixedClasses, kMixedEntry> few_objects;
constinit Store<kSampledClasses, kSampledEntry> sampled_objects;

}  // namespace

Taken take(SizeClass c, Count count) {
    return few_objects.take(c, count);
}

Taken take_sampled(SizeClass c) {
    return sampled_objects.take(c, Count::kNot);
}

Found look_up(const void* p) {
    const Unit unit(p);
    size_t at = unit.at(p);
    if (at < kFirst) return {State::kNothing, 0};
    const bool begins = reinterpret_cast<uintptr_t>(p) % kAlignment == 0;
    if (unit.mark(at) == kSkipped) return {State::kNothing, 0};
    if (const uint8_t mark = unit.mark(at); mark && begins)
        return {static_cast<State>(mark / kSampledBit), class_of_mark(mark)};
    const size_t asked = at;
    while (at > kFirst && unit.mark(at) == 0)
        --at;
    const uint8_t mark = unit.mark(at);
    if (mark == 0 || mark == kSkipped || asked >= at + granules(class_of_mark(mark)))
        return {State::kNothing, 0};
    return {State::kInside, class_of_mark(mark)};
}

Found give(void* p, Count count) {
    return few_objects.give(p, count);
}

Found give_sampled(void* p, Count count) {
    return sampled_objects.give(p, count);
}

size_t trim() {
    return few_objects.trim() + sampled_objects.trim();
}

bool was_mixed(const void* p) {
    const Slab& record = *static_cast<Slab*>(record_at(p));
    return record.state == SlabState::kNone && record.behind == 0 && record.size_class == kClasses &&
           reinterpret_cast<uintptr_t>(p) % kAlignment == 0 && Unit(p).at(p) >= kFirst;
}

Counts counts(SizeClass c) {
    const Counts few = few_objects.counts(c), sampled = sampled_objects.counts(c);
    return {few.taken + sampled.taken, few.freed + sampled.freed, few.fresh + sampled.fresh,
            few.objects + sampled.objects};
}

uint64_t live_bytes() {
    return few_objects.live_bytes() + sampled_objects.live_bytes();
}

size_t units() {
    return few_objects.units();
}
size_t sampled_units() {
    return sampled_objects.units();
}

bool is_mine() {
    return few_objects.is_mine() || sampled_objects.is_mine();
}

void check() {
    few_objects.check();
    sampled_objects.check();
}

void after_fork_child() {
    few_objects.after_fork_child();
    sampled_objects.after_fork_child();
}

}  // namespace tarn::mixed
