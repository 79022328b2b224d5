// SPDX-License-Identifier: MIT
// The first chunk of a segment holds its record, and those of the other 15, which serve; no more of it than a
// page is ever touched. Segments with a free chunk are on the list of those that serve; all are on another, for the
// reports.
//
// A child of fork, in which another thread may have held the lock, gives all it finds up: `epoch` tells the
// segments of before, whose chunks are not taken again. They stay listed.
#include "api/heap/chunks.h"

#include <bit>

#include "backend/blocks.h"
#include "base/options.h"
#include "base/steady_list.h"
#include "entry/entry.h"
#include "os/lock.h"
#include "os/os.h"
#include "process/fork.h"

namespace tarn::user_heap {

namespace {

constexpr uint32_t kAllFree = 0xfffe;  // bit i: chunk i; chunk 0 has the records

// Free chunks that may stay resident, and segments that are kept without a taken chunk.
size_t dirty_most() {
    return options.dirty / kChunkSize;
}
size_t empty_most() {
    return options.dirty / kSegmentSize;
}

struct Segment : Listed<Segment> {
    Segment* next_serving;
    Segment* previous_serving;
    uint32_t free, dirty;  // chunks, as bits; dirty ones are free, and resident
    uint32_t epoch;
};

struct Segments {
    Lock lock;
    Segment* first = nullptr;
    SteadyList<Segment> all;
    size_t dirty = 0, empty = 0;  // chunks; segments
    uint32_t epoch = 0;
};
constinit Segments segments;

void link(Segment& segment) {
    segment.previous_serving = nullptr;
    segment.next_serving = segments.first;
    if (segments.first) segments.first->previous_serving = &segment;
    segments.first = &segment;
}

void unlink(Segment& segment) {
    (segment.previous_serving ? segment.previous_serving->next_serving : segments.first) =
        segment.next_serving;
    if (segment.next_serving) segment.next_serving->previous_serving = segment.previous_serving;
}

Segment* segment_of(const void* chunk) {
    return reinterpret_cast<Segment*>(reinterpret_cast<uintptr_t>(chunk) & ~(kSegmentSize - 1));
}
unsigned index_of(const void* chunk) {
    return static_cast<unsigned>(reinterpret_cast<uintptr_t>(chunk) % kSegmentSize / kChunkSize);
}

void after_fork_child() {
    if (!segments.lock.recover()) return;
    segments.first = nullptr;
    segments.dirty = segments.empty = 0;
    ++segments.epoch;
    segments.all.mend();
}

constinit ForkStep fork_step{after_fork_child};

// With the lock held, and a free chunk there.
void* take_free() {
    Segment& segment = *segments.first;
    // One that is resident is the cheaper one.
    const uint32_t from = segment.dirty ? segment.dirty : segment.free;
    const uint32_t bit = from & -from;
    if (segment.free == kAllFree) --segments.empty;
    if (segment.dirty & bit) --segments.dirty;
    char* const chunk =
        reinterpret_cast<char*>(&segment) + kChunkSize * static_cast<unsigned>(std::countr_zero(bit));
    __builtin_memset(record_in_segment(chunk), 0, kRecordSpace);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // each_record
    segment.dirty &= ~bit;
    segment.free &= ~bit;
    if (segment.free == 0) unlink(segment);
    return chunk;
}

Segment* make_segment() {
    return static_cast<Segment*>(allocate_aligned(kSegmentSize, kSegmentSize));
}

// Off the list, to be released without the lock.
void detach(Segment& segment) {
    segments.dirty -= static_cast<size_t>(std::popcount(segment.dirty));
    --segments.empty;
    unlink(segment);
    segments.all.remove(segment);
}

}  // namespace

void* take_chunk() {
    {
        Guard guard(segments.lock);
        if (segments.first) return take_free();
    }
    join_forks(fork_step);
    Segment* const segment = make_segment();
    if (!segment) return nullptr;
    Guard guard(segments.lock);
    segment->free = kAllFree;
    segment->dirty = 0;
    segment->epoch = segments.epoch;
    ++segments.empty;
    link(*segment);
    segments.all.add(*segment);
    return take_free();
}

void give_chunk(void* chunk) {
    Segment& segment = *segment_of(chunk);
    const uint32_t bit = uint32_t{1} << index_of(chunk);
    bool resident;
    {
        Guard guard(segments.lock);
        if (segment.epoch != segments.epoch) return;
        resident = segments.dirty < dirty_most();
        segments.dirty += resident;  // a place for it
    }
    if (!resident) resident = !os::purge(chunk, kChunkSize);
    Segment* released = nullptr;
    {
        Guard guard(segments.lock);
        if (segment.free == 0) link(segment);
        segment.free |= bit;
        if (resident) segment.dirty |= bit;
        if (segment.free == kAllFree && ++segments.empty > empty_most()) {
            detach(segment);
            released = &segment;
        }
    }
    if (released) release(released);
}

bool in_chunk(const void* pointer) {
    return index_of(pointer) != 0 && block_size(segment_of(pointer)) >= kSegmentSize;
}

void each_record(RecordAct act, void* context) {
    const ReportGuard guard(segments.lock);
    for (const Segment* segment = segments.all.first(); segment; segment = segment->next())
        for (uint32_t taken = kAllFree & ~segment->free; taken; taken &= taken - 1)
            act(reinterpret_cast<const char*>(segment) +
                    kRecordSpace * static_cast<unsigned>(std::countr_zero(taken)),
                context);
}

size_t trim_chunks() {
    size_t bytes = 0;
    for (;;) {
        Segment* found;
        {
            Guard guard(segments.lock);
            found = segments.first;
            while (found && found->free != kAllFree)
                found = found->next_serving;
            if (!found) return bytes;
            detach(*found);
        }
        release(found);
        bytes += kSegmentSize;
    }
}

}  // namespace tarn::user_heap
