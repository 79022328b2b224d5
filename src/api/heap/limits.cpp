// SPDX-License-Identifier: MIT
// Quota, reserve and soft limit of a heap, and what happens when a request meets one.
#include <errno.h>

#include <bit>

#include "api/heap/state.h"

namespace tarn::user_heap {

namespace {

// kClassCount: a block.
ClassIndex class_of_request(Request request) {
    const auto [size, alignment] = request;
    if (size > kObjectMax) return kClassCount;
    if (alignment <= 16) return class_for(size);
    if (alignment <= kFirstObject) {
        ClassIndex c = class_for(size);
        while (c < kPlainClasses && kSizes[c] % alignment != 0)
            ++c;
        return c < kPlainClasses ? c : kClassCount;
    }
    if (alignment > kAlignedMax || size > kAlignedMax) return kClassCount;
    const size_t whole = std::bit_ceil(size < alignment ? alignment : size);
    return kPlainClasses + static_cast<unsigned>(std::countr_zero(whole / kAlignedMin));
}

int64_t hard_limit(const tarn_heap& heap) {
    const int64_t reserve = heap.reserve_released || heap.calling ? heap.reserve : 0;
    return heap.quota == kNoLimit ? kNoLimit : heap.quota + reserve;
}

constexpr int kServed = 0;  // otherwise a tarn_heap_event

int attempt(tarn_heap& heap, Request request, void*& served) {
    const ClassIndex c = class_of_request(request);
    const size_t usable = c < kClassCount ? kSizes[c] : block_usable(request.size);
    if (static_cast<int64_t>(usable) > heap.headroom)
        return heap.limit < hard_limit(heap) ? TARN_HEAP_SOFT_LIMIT : TARN_HEAP_QUOTA;
    served = c < kClassCount ? take_object(heap, c) : take_block(heap, request);
    if (!served) return TARN_HEAP_NO_MEMORY;
    charge(heap, static_cast<int64_t>(usable));
    return kServed;
}

size_t usable_for(Request request) {
    const ClassIndex c = class_of_request(request);
    return c < kClassCount ? kSizes[c] : block_usable(request.size);
}

// One callback, without the lock. False: there is none to make.
bool consult(tarn_heap& heap, int event, Request request) {
    {
        HeapGuard guard(heap);
        if (!heap.callback || heap.calling) return false;
        heap.calling = true;
        update_limit(heap);
    }
    heap.callback(&heap, static_cast<tarn_heap_event>(event), usable_for(request), heap.user);
    HeapGuard guard(heap);
    heap.calling = false;
    update_limit(heap);
    return true;
}

void disarm(tarn_heap& heap) {
    HeapGuard guard(heap);
    heap.armed = false;
    update_limit(heap);
}

}  // namespace

void update_limit(tarn_heap& heap) {
    const int64_t live = heap.live(), peak = heap.peak();
    const int64_t hard = hard_limit(heap);
    const bool soft = heap.armed && !heap.calling && heap.soft_limit < hard;
    heap.limit = soft ? heap.soft_limit : hard;
    heap.headroom = heap.limit - live;
    heap.least = heap.limit - peak;
    const bool waits = !heap.armed && !heap.calling && heap.soft_limit != kNoLimit;
    heap.rearm = waits ? heap.limit - heap.soft_limit - 1 : INT64_MAX;
}

void rearm_soft_limit(tarn_heap& heap) {
    heap.armed = heap.live() <= heap.soft_limit;
    update_limit(heap);
}

void* serve(tarn_heap& heap, Request request) {
    bool soft_told = false, told = false;
    for (;;) {
        void* served = nullptr;
        int outcome;
        {
            HeapGuard guard(heap);
            outcome = attempt(heap, request, served);
            if (outcome != TARN_HEAP_SOFT_LIMIT && soft_told && !heap.calling) rearm_soft_limit(heap);
            if (outcome == kServed) return served;
        }
        if (outcome == TARN_HEAP_SOFT_LIMIT) {
            if (!soft_told) consult(heap, outcome, request);
            soft_told = true;
            disarm(heap);
            continue;
        }
        if (!told && consult(heap, outcome, request)) {
            told = true;
            continue;
        }
        HeapGuard guard(heap);
        ++heap.refusals;
        errno = ENOMEM;
        return nullptr;
    }
}

void* serve_quietly(tarn_heap& heap, Request request) {
    HeapGuard guard(heap);
    void* served = nullptr;
    return attempt(heap, request, served) == kServed ? served : nullptr;
}

}  // namespace tarn::user_heap

using namespace tarn::user_heap;

void tarn_heap_set_quota(tarn_heap* heap, uint64_t quota) {
    HeapGuard guard(*heap);
    heap->quota = limit_from(quota);
    update_limit(*heap);
}

void tarn_heap_set_soft_limit(tarn_heap* heap, uint64_t soft_limit) {
    HeapGuard guard(*heap);
    heap->soft_limit = limit_from(soft_limit);
    rearm_soft_limit(*heap);
}

void tarn_heap_release_reserve(tarn_heap* heap) {
    HeapGuard guard(*heap);
    heap->reserve_released = true;
    update_limit(*heap);
}

int tarn_heap_restore_reserve(tarn_heap* heap) {
    HeapGuard guard(*heap);
    if (heap->live() > heap->quota || !fill_reserve(*heap)) {
        errno = heap->live() > heap->quota ? EBUSY : ENOMEM;
        return -1;
    }
    heap->reserve_released = false;
    update_limit(*heap);
    return 0;
}
