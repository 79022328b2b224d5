// SPDX-License-Identifier: MIT
#include "api/pool/depot.h"

#include <errno.h>
#include <string.h>

#include "entry/entry.h"

namespace tarn::pool {

// Objects may be at any address: 8 bytes at alignment 1 are allowed.
void Depot::chain(void* object) {
    memcpy(object, &chained_, sizeof chained_);
    chained_ = object;
    held_ += 1;
}

void* Depot::unchain() {
    void* const object = chained_;
    memcpy(&chained_, object, sizeof chained_);
    held_ -= 1;
    return object;
}

bool Depot::top_has_room() {
    if (full_ && full_->count < magazine_size_) return true;
    Magazine* magazine = empty_;
    if (magazine) {
        empty_ = magazine->next;
    } else {
        const int saved = errno;
        magazine = static_cast<Magazine*>(allocate(sizeof(Magazine) + magazine_size_ * sizeof(void*)));
        errno = saved;
        if (!magazine) return false;
    }
    magazine->count = 0;
    magazine->next = full_;
    full_ = magazine;
    return true;
}

void Depot::give(void* const* objects, size_t count) {
    while (count > 0 && top_has_room()) {
        const size_t room = magazine_size_ - full_->count;
        const size_t part = count < room ? count : room;
        memcpy(full_->objects() + full_->count, objects, part * sizeof(void*));
        full_->count += part;
        held_ += part;
        objects += part;
        count -= part;
    }
    for (; count > 0; --count)
        chain(*objects++);
}

size_t Depot::take(void** objects, size_t most) {
    size_t taken = 0;
    while (taken < most && chained_)
        objects[taken++] = unchain();
    if (taken > 0 || !full_) return taken;
    Magazine& top = *full_;
    taken = most < top.count ? most : top.count;
    top.count -= taken;
    held_ -= taken;
    memcpy(objects, top.objects() + top.count, taken * sizeof(void*));
    if (top.count == 0) {
        full_ = top.next;
        top.next = empty_;
        empty_ = &top;
    }
    return taken;
}

void Depot::release_list(Magazine*& list) {
    while (Magazine* magazine = list) {
        list = magazine->next;
        release(magazine);
    }
}

void Depot::release_empty_ones() {
    release_list(empty_);
}

void Depot::release_all() {
    release_list(empty_);
    release_list(full_);
}

}  // namespace tarn::pool
