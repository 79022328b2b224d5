// SPDX-License-Identifier: MIT
// GuardedSlab: a run cut into slots of one class, behind a guard page. Its record lies in the window's header (page_map.h), the
// words of its slots in metadata (store.h): nothing about an object lies where the program writes.
//
// A slot's word says what it is:
//
//     kFresh -> kTaking -> kLive -> kFreeing -> kWaiting -> kFree -> kTaking ...
//                            ^ kResizing
//
// The thread that takes a slot, frees or resizes it has it for itself in the states that end in "ing" but kWaiting, and needs no lock
// for its memory. kLive -> kFreeing is one atomic step, so that of two frees one is the second. Memory of slots that are fresh, waiting or free is
// zero. kFree -> kTaking and kWaiting -> kFree are done with the lock of the slab's shard held, as is all but the words.
#pragma once
#include "hardened/slots.h"
#include "pages/page_map.h"

namespace tarn::hardened {

enum class SlotState : uint8_t {
    kFresh,  // never handed out
    kFree,   // can be taken
    kTaking,
    kLive,  // the program's
    kResizing,
    kFreeing,
    kWaiting,  // freed, in quarantine or on its way there
};

// How it was asked for, and how it is to be freed. kAny where that is not known.
enum class Form : uint8_t { kAny, kMalloc, kNew, kNewArray };

inline constexpr size_t kAnySize = ~size_t{0};

constexpr const char* made_by(Form form) {
    switch (form) {
        case Form::kMalloc:
            return "made by malloc, of";
        case Form::kNew:
            return "made by new, of";
        case Form::kNewArray:
            return "made by new[], of";
        case Form::kAny:
            break;
    }
    return "";
}

class SlotWord {
  public:
    constexpr SlotWord() = default;
    constexpr SlotWord(SlotState state, Form form, size_t asked)
        : value_(static_cast<uint32_t>(asked) << 8 | static_cast<uint32_t>(form) << 4 |
                 static_cast<uint32_t>(state)) {}
    SlotState state() const { return static_cast<SlotState>(value_ & 15); }
    Form form() const { return static_cast<Form>(value_ >> 4 & 3); }
    size_t asked() const { return value_ >> 8; }
    SlotWord in(SlotState state) const { return {state, form(), asked()}; }
    bool operator==(const SlotWord&) const = default;

  private:
    uint32_t value_ = 0;
};

struct alignas(kRecordSize) GuardedSlab {
    GuardedSlab* next;
    GuardedSlab* previous;
    uint64_t* free_bits;  // of the slots that can be taken
    SlotWord* words;
    uint16_t used;  // slots whose bit is not set
    uint8_t slot_class;
    uint8_t shard;
    uint8_t behind;  // position of its unit in the slab, in the record of each unit
    bool guarded;
    bool doubtful;  // in the child of a fork: other threads may have been at work on it

    const SlotInfo& info() const { return kSlots[slot_class]; }
    char* begin() const { return unit_of_record(this); }
    char* slot(size_t index) const { return begin() + kFirstSlot + index * info().bytes; }
    // The slot that p is in; as many as there are when it is in none.
    size_t index_of(const void* p) const {
        const size_t offset = static_cast<size_t>(static_cast<const char*>(p) - begin());
        const size_t index = offset < kFirstSlot ? info().slots : slot_at(info(), offset - kFirstSlot);
        return index < info().slots ? index : info().slots;
    }
    bool full() const { return used == info().slots; }
};
static_assert(sizeof(GuardedSlab) == kRecordSize);

inline bool has(const void* p) {
    return entry_at(p) == kHardenedEntry;
}
// Of an address that a hardened slab has.
inline GuardedSlab* slab_at(const void* p) {
    GuardedSlab* any = static_cast<GuardedSlab*>(record_at(p));
    return any - any->behind;
}
inline SlotWord word_at(const SlotWord& word) {
    static_assert(sizeof(SlotWord) == sizeof(uint32_t));
    return __builtin_bit_cast(SlotWord,
                              __atomic_load_n(reinterpret_cast<const uint32_t*>(&word), __ATOMIC_ACQUIRE));
}
// False: it is not that any more.
[[nodiscard]] inline bool change_word(SlotWord& word, SlotWord from, SlotWord to) {
    uint32_t expected = __builtin_bit_cast(uint32_t, from);
    return __atomic_compare_exchange_n(reinterpret_cast<uint32_t*>(&word), &expected,
                                       __builtin_bit_cast(uint32_t, to), false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}
inline void set_word(SlotWord& word, SlotWord value) {
    __atomic_store_n(reinterpret_cast<uint32_t*>(&word), __builtin_bit_cast(uint32_t, value),
                     __ATOMIC_RELEASE);
}

}  // namespace tarn::hardened
