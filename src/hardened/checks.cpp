// SPDX-License-Identifier: MIT
#include "hardened/checks.h"

#include "os/os.h"

namespace tarn::hardened {

namespace {

constexpr int kLooks = 5;

bool is_cleared(SlotState state) {
    return state == SlotState::kFresh || state == SlotState::kFree || state == SlotState::kWaiting;
}

const char* first_change(const char* from, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i)
        if (from[i]) return from + i;
    return from;
}

// `look` is a Finding by what the word says; it counts when the word has not changed meanwhile, each time.
template <class Look>
Finding confirmed(const SlotWord& word, Look look) {
    Finding finding{};
    for (int i = 0; i < kLooks; ++i) {
        const SlotWord before = word_at(word);
        finding = look(before);
        if (!finding || !(before == word_at(word))) return {};
        if (i > 0) os::yield();
    }
    return finding;
}

// Of the slot before the object: its seal, or zeros.
Finding look_before(const GuardedSlab& slab, size_t index, size_t asked, SlotWord before) {
    const size_t bytes = slab.info().bytes;
    const char *const object = slab.slot(index), *const other = object - bytes;
    const Finding underflow{Fault::kUnderflow, object, "an object of", asked};
    if (before.state() == SlotState::kLive) {
        const size_t broken = broken_at(other, before.asked(), bytes);
        if (broken == bytes) return {};
        // What begins where the other one ends came from there.
        return broken == before.asked() ? Finding{Fault::kOverflow, other, "an object of", before.asked()}
                                        : underflow;
    }
    return !is_cleared(before.state()) || is_zero(object - kAlignment, kAlignment) ? Finding{} : underflow;
}

Finding look_at(const GuardedSlab& slab, size_t index, SlotWord word) {
    if (word.state() == SlotState::kLive) {
        if (const Finding own = check_object(slab, index, word.asked())) return own;
    } else if (is_cleared(word.state()) && word.state() != SlotState::kFresh) {
        return check_reused(slab, index);
    }
    return {};
}

}  // namespace

void die_of(const Finding& finding) {
    finding.detail ? die(finding.fault, finding.at, finding.detail, finding.number, "bytes")
                   : die(finding.fault, finding.at);
}

Finding why_not_live(const FoundSlot& slot, const void* p) {
    const SlotWord word = slot.word;
    if (word.state() == SlotState::kFresh) return {Fault::kNeverHandedOut, p, nullptr, 0};
    if (slot.slab->slot(slot.index) != p) return {Fault::kInsideObject, p, "into one of", word.asked()};
    return {Fault::kDoubleFree, p, "an object of", word.asked()};
}

Finding check_object(const GuardedSlab& slab, size_t index, size_t asked) {
    if (!touchable(slab)) return {};
    const char* const object = slab.slot(index);
    if (broken_at(object, asked, slab.info().bytes) < slab.info().bytes) [[unlikely]]
        return {Fault::kOverflow, object, "an object of", asked};
    if (index == 0 || slab.doubtful) return {};
    const SlotWord& before = slab.words[index - 1];
    if (!look_before(slab, index, asked, word_at(before))) [[likely]]
        return {};
    return confirmed(before, [&](SlotWord word) { return look_before(slab, index, asked, word); });
}

Finding check_fresh(const GuardedSlab& slab, size_t index) {
    const char* const next = slab.slot(index + 1);
    if (!touchable(slab) || is_zero(next - kAlignment, kAlignment)) [[likely]]
        return {};
    return {Fault::kUnderflow, next, "in a place of", slab.info().bytes};
}

Finding check_reused(const GuardedSlab& slab, size_t index) {
    const size_t bytes = slab.info().bytes;
    const char* const slot = slab.slot(index);
    if (!touchable(slab) || is_zero(slot, bytes)) [[likely]]
        return {};
    if (slab.doubtful) return {};
    return {Fault::kWriteAfterFree, first_change(slot, bytes), "in a freed object's place of", bytes};
}

Finding check_slab(const GuardedSlab& slab) {
    if (slab.doubtful) return {};
    for (size_t i = 0; i < slab.info().slots; ++i)
        if (look_at(slab, i, word_at(slab.words[i])))
            if (const Finding finding =
                    confirmed(slab.words[i], [&](SlotWord word) { return look_at(slab, i, word); }))
                return finding;
    return {};
}

}  // namespace tarn::hardened
