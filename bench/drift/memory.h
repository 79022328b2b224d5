// SPDX-License-Identifier: MIT
// Every byte that the load asks for: written in full, counted, and verified when it is given back. Small objects, their
// lists and tables alike; nothing of the load's own lies outside of it.
#pragma once
#include "support.h"

namespace drift {

// What one thread asked for, less what it gave back: of all threads together it is what is live.
struct Count {
    long live = 0;  // bytes
    size_t objects = 0;
};

struct Item {
    void* at;
    size_t size;
};

inline uint64_t key_of(const void* at, size_t size) {
    return reinterpret_cast<uintptr_t>(at) * 0x9e3779b97f4a7c15 ^ size;
}

inline Item take(Count& count, size_t size) {
    void* const at = malloc(size);
    if (!at) bench::fail("out of memory");
    const uint64_t key = key_of(at, size);
    memset(at, static_cast<int>(key >> 56), size);
    bench::stamp(at, size, key);
    count.live += static_cast<long>(size);
    ++count.objects;
    return {at, size};
}

inline void give(Count& count, Item item) {
    bench::verify(item.at, item.size, key_of(item.at, item.size));
    count.live -= static_cast<long>(item.size);
    free(item.at);
}

// An array that grows and shrinks by realloc, as tables of programs do.
template <class T>
class Table {
  public:
    size_t size() const { return size_; }
    T& operator[](size_t i) { return at_[i]; }

    void add(Count& count, const T& value) {
        if (size_ == room_) resize(count, room_ ? room_ * 2 : 4);
        at_[size_++] = value;
    }
    // The last one comes to its place.
    T take_out(Count& count, size_t i) {
        const T value = at_[i];
        at_[i] = at_[--size_];
        if (room_ > 16 && size_ < room_ / 4) resize(count, room_ / 2);
        return value;
    }
    void clear(Count& count) {
        if (at_) count.live -= bytes(room_);
        free(at_);
        at_ = nullptr;
        size_ = room_ = 0;
    }

  private:
    static long bytes(size_t room) { return static_cast<long>(room * sizeof(T)); }
    void resize(Count& count, size_t room) {
        T* const at = static_cast<T*>(realloc(at_, room * sizeof(T)));
        if (!at) bench::fail("out of memory");
        if (room > room_) memset(static_cast<void*>(at + size_), 0, (room - size_) * sizeof(T));
        count.live += bytes(room) - bytes(room_);
        ++count.objects;
        at_ = at;
        room_ = room;
    }
    T* at_ = nullptr;
    size_t size_ = 0, room_ = 0;
};

// Objects that end together: in their order, the last first, or at random.
struct Group {
    Table<Item> items;
    long bytes = 0;

    void add(Count& count, size_t size) {
        items.add(count, take(count, size));
        bytes += static_cast<long>(size);
    }
    void drop(Count& count, size_t i) {
        const Item item = items.take_out(count, i);
        bytes -= static_cast<long>(item.size);
        give(count, item);
    }
    void end(Count& count, bench::Random& random) {
        const size_t order = random.below(3);
        if (order == 0) {
            for (size_t i = 0; i < items.size(); ++i)
                give(count, items[i]);
        } else {
            for (size_t left = items.size(); left > 0; --left) {
                const size_t i = order == 1 ? left - 1 : random.below(left);
                give(count, items[i]);
                items[i] = items[left - 1];
            }
        }
        items.clear(count);
        bytes = 0;
    }
};

}  // namespace drift
