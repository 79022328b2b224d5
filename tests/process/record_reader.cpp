// SPDX-License-Identifier: MIT
// A reader of records, as tarn/record.h wants one: another process reads while threads allocate. It runs without the
// library.
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

#include <atomic>

#include "check.h"
#include "tarn/record.h"

using check::require;

namespace {

uint64_t now() {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1000000000u + static_cast<uint64_t>(time.tv_nsec);
}

struct Reader {
    const char* at;
    const tarn_record_header* header;

    const tarn_record_section& section(tarn_record_section_kind kind) const {
        for (const tarn_record_section& each : header->sections)
            if (each.kind == kind) return each;
        check::fail("the section is there");
    }
    template <class Entry>
    const Entry* entry(tarn_record_section_kind kind, uint64_t number) const {
        const tarn_record_section& all = section(kind);
        return reinterpret_cast<const Entry*>(at + all.offset + number * all.entry_size);
    }
};

Reader open_record(const char* path) {
    for (int tries = 0; tries < 2000; ++tries) {
        const int fd = open(path, O_RDWR);
        if (fd >= 0) {
            uint64_t magic = 0;
            if (pread(fd, &magic, sizeof magic, 0) == sizeof magic && magic == TARN_RECORD_MAGIC) {
                const off_t size = lseek(fd, 0, SEEK_END);
                void* const at =
                    mmap(nullptr, static_cast<size_t>(size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                require(at != MAP_FAILED, "the record can be mapped");
                close(fd);
                return {static_cast<const char*>(at), static_cast<const tarn_record_header*>(at)};
            }
            close(fd);
        }
        usleep(5000);
    }
    check::fail("there is a record");
}

uint64_t load(const uint64_t& word) {
    return __atomic_load_n(&word, __ATOMIC_ACQUIRE);
}

// A copy that is whole; 0: this one is being written.
template <class Copy>
uint64_t read_copy(const Copy* from, Copy& to, size_t bytes) {
    const uint64_t before = load(from->sequence);
    if (before == 0 || before % 2) return 0;
    memcpy(&to, from, bytes);
    std::atomic_thread_fence(std::memory_order_acquire);
    return load(from->sequence) == before ? before : 0;
}

// The higher one of two. How often one was found half written is counted.
template <class Copy>
uint64_t read_higher(const Reader& reader, tarn_record_section_kind kind, Copy& to, uint64_t& torn) {
    static Copy each[2];
    for (;;) {
        const uint64_t a = read_copy(reader.entry<Copy>(kind, 0), each[0], sizeof(Copy));
        const uint64_t b = read_copy(reader.entry<Copy>(kind, 1), each[1], sizeof(Copy));
        torn += a == 0 || b == 0;
        if (a == 0 && b == 0) continue;
        // While one is written, the other may have been: it is the newest if it still is what it was.
        if (b == 0 && load(reader.entry<Copy>(kind, 0)->sequence) != a) continue;
        if (a == 0 && load(reader.entry<Copy>(kind, 1)->sequence) != b) continue;
        memcpy(&to, a > b ? &each[0] : &each[1], sizeof(Copy));
        return a > b ? a : b;
    }
}

void check_snapshot(const tarn_record_snapshot& s) {
    const tarn_stats& stats = s.stats;
    require(stats.version == TARN_STATS_VERSION && s.sequence == 2 * s.number, "it is a snapshot");
    require(stats.allocations == stats.small_allocations + stats.large_allocations, "requests add up");
    require(stats.live_objects == stats.allocations - stats.frees, "what is live adds up");
    require(stats.live_bytes == stats.small_live_bytes + stats.large_live_bytes, "bytes add up");
    uint64_t allocations = 0, frees = 0, bytes = 0;
    for (uint32_t i = 0; i < stats.classes; ++i) {
        allocations += stats.class_stats[i].allocations;
        frees += stats.class_stats[i].frees;
        bytes += stats.class_stats[i].live_bytes;
    }
    require(allocations == stats.small_allocations && frees == stats.small_frees &&
                bytes == stats.small_live_bytes,
            "classes add up");
}

void check_line(const tarn_record_timeline& line, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
        require(line.points[i].time_ns > 0 && line.points[i].allocations > 0, "points are whole");
        require(i == 0 || line.points[i].time_ns > line.points[i - 1].time_ns, "time goes on");
    }
}

// Reads so many times, each time all that changes, and asks for another snapshot each time.
void read_record(const char* path, uint64_t times, uint64_t nanoseconds) {
    static tarn_record_snapshot snapshot;
    static tarn_record_timeline line;
    const Reader reader = open_record(path);
    auto* const header = const_cast<tarn_record_header*>(reader.header);
    uint64_t torn = 0, last = 0, last_time = 0, different = 0, events = 0;
    const uint64_t until = now() + nanoseconds;
    uint64_t done = 0;
    for (; done < times && (nanoseconds == 0 || now() < until); ++done) {
        const uint64_t sequence = read_higher(reader, TARN_RECORD_SNAPSHOT, snapshot, torn);
        check_snapshot(snapshot);
        require(sequence >= last && snapshot.time_ns >= last_time, "snapshots go forward");
        different += sequence != last;
        last = sequence, last_time = snapshot.time_ns;
        if (done % 16 == 0) {
            read_higher(reader, TARN_RECORD_TIMELINE, line, torn);
            require(line.count <= TARN_RECORD_POINTS, "a time line has so many points at most");
            check_line(line, line.count);
        }
        const tarn_record_section& ring = reader.section(TARN_RECORD_EVENTS);
        const uint64_t count = load(ring.count);
        if (count > 0) {
            const auto* event =
                reader.entry<tarn_record_event>(TARN_RECORD_EVENTS, (count - 1) % ring.capacity);
            const uint64_t before = load(event->sequence);
            const tarn_record_event copy = *event;
            std::atomic_thread_fence(std::memory_order_acquire);
            if (before == load(event->sequence) && before && before % 2 == 0) {
                require(copy.kind == TARN_RECORD_EVENT_SNAPSHOT && copy.b == 1 && copy.time_ns > 0,
                        "events are whole");
                ++events;
            }
        }
        __atomic_fetch_or(&header->requests, TARN_RECORD_REQUEST_PUBLISH, __ATOMIC_ACQ_REL);
    }
    printf("%lu reads, %lu snapshots, %lu events, %lu torn\n", done, different, events, torn);
    require(different > 10 && events > 10, "there was something to read");
}

}  // namespace

// PATH, reads (0: no bound), seconds (0: no bound)
int main(int count, char** arguments) {
    require(count == 4, "path, reads and seconds are given");
    const uint64_t reads = strtoull(arguments[2], nullptr, 10);
    const uint64_t seconds = strtoull(arguments[3], nullptr, 10);
    read_record(arguments[1], reads ? reads : UINT64_MAX, seconds * 1000000000u);
}
