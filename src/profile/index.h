// SPDX-License-Identifier: MIT
// Index: from a hash to numbers of entries that lie elsewhere, by linear probing; it grows with what is in it, from a page
// on. With the lock of who uses it.
#pragma once
#include <atomic>
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
        if (!table_) return kNone;
        const uint32_t* const slots = table_->slots();
        for (size_t at = hash & mask(); slots[at]; at = (at + 1) & mask())
            if (is(slots[at] - 1)) return slots[at] - 1;
        return kNone;
    }
    // False: out of memory.
    bool add(uint64_t hash, uint32_t number) {
        if (2 * (count_ + 1) > capacity() && !grow()) return false;
        put(*table_, hash, number);
        ++count_;
        return true;
    }
    // One that is there.
    void remove(uint64_t hash, uint32_t number) {
        uint32_t* const slots = table_->slots();
        size_t hole = hash & mask();
        while (slots[hole] != number + 1)
            hole = (hole + 1) & mask();
        for (size_t at = (hole + 1) & mask(); slots[at]; at = (at + 1) & mask()) {
            const size_t wanted = Hash(slots[at] - 1) & mask();
            if (((at - wanted) & mask()) < ((at - hole) & mask()))
                continue;  // it is not reached by way of the hole
            slots[hole] = slots[at];
            hole = at;
        }
        slots[hole] = 0;
        --count_;
    }
    // Whatever another thread was doing when it was left behind by a fork: one word says where the table is and how large.
    void clear() {
        if (table_) os::unmap(table_, bytes_of(table_->capacity));
        table_ = nullptr;
        count_ = 0;
    }
    size_t count() const { return count_; }

  private:
    struct Table {
        alignas(8) size_t capacity;                                          // a power of two
        uint32_t* slots() { return reinterpret_cast<uint32_t*>(this + 1); }  // number + 1; 0: none
    };
    static size_t bytes_of(size_t capacity) { return sizeof(Table) + capacity * sizeof(uint32_t); }
    size_t capacity() const { return table_ ? table_->capacity : 0; }
    size_t mask() const { return table_->capacity - 1; }

    static void put(Table& table, uint64_t hash, uint32_t number) {
        const size_t mask = table.capacity - 1;
        size_t at = hash & mask;
        while (table.slots()[at])
            at = (at + 1) & mask;
        table.slots()[at] = number + 1;
    }
    bool grow() {
        Table* const old = table_;
        const size_t before = capacity();
        const size_t wanted = before ? 2 * before : os::page_size() / 2 / sizeof(uint32_t);
        auto* const fresh = static_cast<Table*>(os::map(bytes_of(wanted)));
        if (!fresh) return count_ + 1 < before;
        fresh->capacity = wanted;
        for (size_t i = 0; i < before; ++i)
            if (old->slots()[i]) put(*fresh, Hash(old->slots()[i] - 1), old->slots()[i] - 1);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        table_ = fresh;
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (old) os::unmap(old, bytes_of(before));
        return true;
    }

    Table* table_ = nullptr;
    size_t count_ = 0;
};

}  // namespace tarn::profile
