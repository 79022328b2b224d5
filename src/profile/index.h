// SPDX-License-Identifier: MIT
// Index: from a hash to numbers of entries that lie elsewhere, by linear probing; it grows with what is in it, from a page
// on. With the lock of who uses it.
#pragma once
#include <cstddef>
#include <cstdint>

#include "os/os.h"

namespace tarn::profile {

// `Hash` of an entry by its number.
template <uint64_t (*Hash)(uint32_t number)>
class Index {
  public:
    // The first entry with this hash of which is(number); kNone.
    static constexpr uint32_t kNone = UINT32_MAX;
    template <class Is>
    uint32_t find(uint64_t hash, Is is) const {
        if (capacity_ == 0) return kNone;
        for (size_t at = hash & (capacity_ - 1); slots_[at]; at = (at + 1) & (capacity_ - 1))
            if (is(slots_[at] - 1)) return slots_[at] - 1;
        return kNone;
    }
    // False: out of memory.
    bool add(uint64_t hash, uint32_t number) {
        if (2 * (count_ + 1) > capacity_ && !grow()) return false;
        put(hash, number);
        ++count_;
        return true;
    }
    // One that is there.
    void remove(uint64_t hash, uint32_t number) {
        const size_t mask = capacity_ - 1;
        size_t hole = hash & mask;
        while (slots_[hole] != number + 1)
            hole = (hole + 1) & mask;
        for (size_t at = (hole + 1) & mask; slots_[at]; at = (at + 1) & mask) {
            const size_t wanted = Hash(slots_[at] - 1) & mask;
            if (((at - wanted) & mask) < ((at - hole) & mask))
                continue;  // it is not reached by way of the hole
            slots_[hole] = slots_[at];
            hole = at;
        }
        slots_[hole] = 0;
        --count_;
    }
    void clear() {
        if (slots_) os::unmap(slots_, capacity_ * sizeof *slots_);
        slots_ = nullptr;
        capacity_ = count_ = 0;
    }
    size_t count() const { return count_; }

  private:
    void put(uint64_t hash, uint32_t number) {
        size_t at = hash & (capacity_ - 1);
        while (slots_[at])
            at = (at + 1) & (capacity_ - 1);
        slots_[at] = number + 1;
    }
    bool grow() {
        const size_t before = capacity_;
        uint32_t* const old = slots_;
        const size_t wanted = before ? 2 * before : os::page_size() / sizeof *slots_;
        auto* const fresh = static_cast<uint32_t*>(os::map(wanted * sizeof *slots_));
        if (!fresh) return count_ + 1 < before;
        slots_ = fresh;
        capacity_ = wanted;
        for (size_t i = 0; i < before; ++i)
            if (old[i]) put(Hash(old[i] - 1), old[i] - 1);
        if (old) os::unmap(old, before * sizeof *old);
        return true;
    }

    uint32_t* slots_ = nullptr;  // number + 1; 0: none
    size_t capacity_ = 0, count_ = 0;
};

}  // namespace tarn::profile
