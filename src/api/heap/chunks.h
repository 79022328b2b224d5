// SPDX-License-Identifier: MIT
// Chunks of 64 KiB, aligned, for all heaps of tarn/heap.h: cut from segments, blocks of tarn's that are
// aligned to their own 1 MiB, so that a chunk costs no mapping of its own. Any thread may call these.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn::user_heap {

inline constexpr size_t kChunkSize = size_t{64} << 10;
inline constexpr size_t kSegmentSize = size_t{1} << 20;
// Each chunk has a record of this size in its segment's first pages: records at the chunks' own starts would
// all compete for the same few lines of a cache.
inline constexpr size_t kRecordSpace = 128;

inline void* record_in_segment(const void* pointer) {
    const auto at = reinterpret_cast<uintptr_t>(pointer);
    return reinterpret_cast<void*>((at & ~(kSegmentSize - 1)) +
                                   at % kSegmentSize / kChunkSize * kRecordSpace);
}
inline char* chunk_of_record(const void* record) {
    const auto at = reinterpret_cast<uintptr_t>(record);
    return reinterpret_cast<char*>((at & ~(kSegmentSize - 1)) +
                                   at % kSegmentSize / kRecordSpace * kChunkSize);
}

[[nodiscard]] void* take_chunk();  // NULL: no memory. Its contents are anything, its record zeros.
void give_chunk(void* chunk);
// Whether this is in a chunk, so that its record may be read; reads nothing that cannot be read.
bool in_chunk(const void* pointer);
// The records of all chunks that are taken. Those of chunks that are about to be used are zeros. By any thread, also in
// a report that a signal handler makes; whatever owners do meanwhile.
using RecordAct = void (*)(const void* record, void* context);
void each_record(RecordAct act, void* context);
// Segments without a taken chunk go back to tarn; bytes.
size_t trim_chunks();

}  // namespace tarn::user_heap
