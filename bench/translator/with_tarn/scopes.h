// SPDX-License-Identifier: MIT
// Tables keyed by interned names: what a name stands for in the block at hand, and in the project.
#pragma once
#include <cstdint>
#include <vector>

#include "with_tarn/tree.h"

namespace with_tarn {

// Names are apart by 16 bytes at least, and more often than not by multiples of 8: a product spreads them.
inline size_t slot_of(const Interned* name, unsigned shift) {
    return static_cast<size_t>((reinterpret_cast<uintptr_t>(name) * 0x9e3779b97f4a7c15u) >> shift);
}

// Open addressing, linear probing, never more than half full.
template <class Value>
class NameTable {
  public:
    NameTable() : shift_(64 - kBitsFirst), slots_(size_t{1} << kBitsFirst) {}

    struct Slot {
        const Interned* name = nullptr;
        Value value{};
    };

    // The name's slot, or the empty one where it belongs.
    size_t find(const Interned* name) const {
        const size_t mask = slots_.size() - 1;
        size_t at = slot_of(name, shift_);
        while (slots_[at].name && slots_[at].name != name)
            at = (at + 1) & mask;
        return at;
    }
    // Slots move when it says that it grew.
    size_t insert(const Interned* name) {
        size_t at = find(name);
        if (slots_[at].name) return at;
        if (2 * used_.size() >= slots_.size()) {
            grow();
            at = find(name);
        }
        slots_[at].name = name;
        used_.push_back(static_cast<uint32_t>(at));
        return at;
    }
    Slot& operator[](size_t at) { return slots_[at]; }
    const Slot& operator[](size_t at) const { return slots_[at]; }
    const Value& get(const Interned* name) const { return slots_[find(name)].value; }
    void clear() {
        for (const uint32_t at : used_)
            slots_[at] = Slot();
        used_.clear();
    }

  private:
    static constexpr unsigned kBitsFirst = 7;

    void grow() {
        std::vector<Slot> old(2 * slots_.size());
        old.swap(slots_);
        --shift_;
        for (uint32_t& used : used_) {
            const Slot& slot = old[used];
            used = static_cast<uint32_t>(find(slot.name));
            slots_[used] = slot;
        }
    }

    unsigned shift_;
    std::vector<Slot> slots_;
    std::vector<uint32_t> used_;  // which slots are
};

// The blocks around the place at hand, and the file around them: block 0. A name has one slot, which holds
// its innermost meaning; what an inner block hides waits in a list until that block ends.
class Scopes {
  public:
    void clear() {
        table_.clear();
        hidden_.clear();
        depth_ = 0;
    }
    const Definition* find(const Interned* name) const { return table_.get(name).definition; }

    // False when the block has the name already.
    bool declare(const Definition* definition) {
        Meaning& meaning = table_[table_.insert(definition->name)].value;
        if (meaning.definition && meaning.depth == depth_) return false;
        if (depth_) hidden_.push_back({definition->name, meaning});
        meaning = {definition, depth_};
        return true;
    }

    size_t enter() {
        ++depth_;
        return hidden_.size();
    }
    // `mark` is what enter() has given.
    void leave(size_t mark) {
        while (hidden_.size() > mark) {
            table_[table_.find(hidden_.back().name)].value = hidden_.back().meaning;
            hidden_.pop_back();
        }
        --depth_;
    }

  private:
    struct Meaning {
        const Definition* definition = nullptr;
        uint32_t depth = 0;
    };
    struct Hidden {
        const Interned* name;
        Meaning meaning;
    };
    NameTable<Meaning> table_;
    std::vector<Hidden> hidden_;
    uint32_t depth_ = 0;
};

// What the files of a project know of each other.
struct Project {
    NameTable<const File*> modules;
    NameTable<const Global*> exports;
};

}  // namespace with_tarn
