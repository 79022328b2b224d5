// SPDX-License-Identifier: MIT
// A pool's free objects that are on no thread's stack. Guarded by the pool's lock.
//
// They are in magazines, arrays of pointers, so that free objects are neither read nor written (after Jeff
// Bonwick and Jonathan Adams, "Magazines and Vmem", USENIX 2001). When there is no memory for a magazine they
// are chained by their first word instead: giving cannot fail.
#pragma once
#include <cstddef>

#include "base/published.h"

namespace tarn::pool {

struct Magazine {
    Magazine* next;
    size_t count;
    void** objects() { return reinterpret_cast<void**>(this + 1); }
};

class Depot {
  public:
    explicit Depot(size_t magazine_size) : magazine_size_(magazine_size) {}

    // Keeps errno.
    void give(void* const* objects, size_t count);
    // Up to `most`; how many, 0 only when there is none.
    size_t take(void** objects, size_t most);
    size_t held() const { return held_; }

    // Asks `keep(object)` of each, and forgets those for which it is false.
    template <class Keep>
    void retain(Keep&& keep);
    void release_empty_ones();
    void release_all();

  private:
    bool top_has_room();
    void chain(void* object);
    void* unchain();
    static void release_list(Magazine*& list);

    const size_t magazine_size_;
    Magazine* full_ = nullptr;  // the first may be filled in part, after retain() others, too
    Magazine* empty_ = nullptr;
    void* chained_ = nullptr;
    Published held_;
};

template <class Keep>
void Depot::retain(Keep&& keep) {
    for (Magazine** link = &full_; *link;) {
        Magazine& magazine = **link;
        size_t kept = 0;
        for (size_t i = 0; i < magazine.count; ++i)
            if (keep(magazine.objects()[i])) magazine.objects()[kept++] = magazine.objects()[i];
        held_ -= magazine.count - kept;
        magazine.count = kept;
        if (kept > 0) {
            link = &magazine.next;
            continue;
        }
        *link = magazine.next;
        magazine.next = empty_;
        empty_ = &magazine;
    }
    void* rest = chained_;
    chained_ = nullptr;
    while (rest) {
        void* const object = rest;
        __builtin_memcpy(&rest, object, sizeof rest);
        held_ -= 1;
        if (keep(object)) chain(object);
    }
}

}  // namespace tarn::pool
