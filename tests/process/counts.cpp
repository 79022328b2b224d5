// SPDX-License-Identifier: MIT
// The numbers of tarn_stats_get are exact: what happens between two calls is their difference.
#include <pthread.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "check.h"
#include "process.h"
#include "snapshot.h"

using check::opaque;
using check::require;
using process::kMiB;

namespace {

tarn_stats before, after;
constexpr uint32_t kPerClass = 7;
void* objects[TARN_SIZE_CLASSES_MAX][64];

// Class number c gets 3 * c + 7 objects, so that no two classes are taken for one another.
uint32_t made_in(uint32_t index) {
    return kPerClass + 3 * (index % 16);
}

void make_known_numbers() {
    for (uint32_t c = 0; c < before.classes; ++c)
        for (uint32_t i = 0; i < made_in(c); ++i)
            objects[c][i] = opaque(malloc(before.class_stats[c].object_size));
}

void free_all_but(uint32_t kept) {
    for (uint32_t c = 0; c < before.classes; ++c)
        for (uint32_t i = kept; i < made_in(c); ++i)
            free(objects[c][i]);
}

void allocations_per_class() {
    surface::take(before);
    require(before.classes > 10, "there are size classes");
    make_known_numbers();
    surface::take(after);
    uint64_t sum = 0;
    for (uint32_t c = 0; c < before.classes; ++c) {
        const tarn_class_stats &a = before.class_stats[c], &b = after.class_stats[c];
        require(b.object_size == a.object_size, "classes keep their place");
        require(b.allocations - a.allocations == made_in(c), "allocations");
        require(b.frees == a.frees, "frees");
        require(b.live_objects - a.live_objects == made_in(c), "live objects");
        require(b.live_bytes - a.live_bytes == made_in(c) * a.object_size, "live bytes");
        require(b.fresh + b.reused == b.allocations, "each is fresh or reused");
        sum += made_in(c);
    }
    require(after.small_allocations - before.small_allocations == sum, "small allocations");
    require(after.allocations - before.allocations == sum, "allocations in all");
    require(after.large_allocations == before.large_allocations, "no large one");
}

void frees_per_class() {
    surface::take(before);
    make_known_numbers();
    surface::take(before);
    free_all_but(2);
    surface::take(after);
    for (uint32_t c = 0; c < before.classes; ++c) {
        const tarn_class_stats &a = before.class_stats[c], &b = after.class_stats[c];
        require(b.frees - a.frees == made_in(c) - 2, "frees");
        require(b.allocations == a.allocations, "allocations");
        require(a.live_objects - b.live_objects == made_in(c) - 2, "live objects");
        require(b.remote_frees == a.remote_frees, "none by another thread");
    }
}

void* free_in_thread(void*) {
    free_all_but(0);
    return nullptr;
}

void remote_frees_per_class() {
    surface::take(before);
    // A thread's first objects of a class are in slabs of nobody's.
    for (int round = 0; round < 4; ++round) {
        make_known_numbers();
        free_all_but(0);
    }
    make_known_numbers();
    surface::take(before);
    pthread_t thread;
    pthread_create(&thread, nullptr, free_in_thread, nullptr);
    pthread_join(thread, nullptr);
    surface::take(after);
    for (uint32_t c = 0; c < before.classes; ++c) {
        const tarn_class_stats &a = before.class_stats[c], &b = after.class_stats[c];
        require(b.remote_frees - a.remote_frees == made_in(c), "frees by another thread");
        require(b.frees - a.frees >= made_in(c), "are frees");
    }
}

void many_allocations_and_frees() {
    surface::take(before);
    for (int i = 0; i < 1000000; ++i)
        free(opaque(malloc(48)));
    surface::take(after);
    require(after.allocations - before.allocations == 1000000, "a million allocations");
    require(after.frees - before.frees == 1000000, "a million frees");
    require(after.live_objects == before.live_objects, "nothing live");
    require(after.fresh - before.fresh < 1000, "nearly all reused");
}

void large_blocks() {
    void* blocks[5];
    surface::take(before);
    for (void*& block : blocks)
        block = malloc(3 * kMiB);
    surface::take(after);
    require(after.large_allocations - before.large_allocations == 5, "large allocations");
    require(after.large_live_objects - before.large_live_objects == 5, "large live objects");
    uint64_t bytes = after.large_live_bytes - before.large_live_bytes;
    require(bytes >= 15 * kMiB && bytes < 16 * kMiB, "large live bytes");
    require(after.large_peak_bytes >= after.large_live_bytes, "the peak is no less");
    for (int i = 0; i < 3; ++i)
        free(blocks[i]);
    surface::take(before);
    require(before.large_frees - (after.large_frees) == 3, "large frees");
    require(after.large_live_objects - before.large_live_objects == 3, "fewer live");
    require(before.large_peak_bytes >= 15 * kMiB, "the peak stays");
}

// What statistics.h allows the peak to be too low by, where slabs are full but for those that a heap takes in advance,
// half a MiB.
uint64_t peak_tolerance(uint64_t bytes) {
    return bytes / 32 + kMiB / 4 + kMiB / 2;
}

void require_peak(uint64_t peak, uint64_t known, const char* what) {
    require(peak <= known, what);
    require(peak + peak_tolerance(known) >= known, what);
}

struct Link {
    Link* next;
    char rest[104];
};

Link* make_links(size_t count) {
    Link* links = nullptr;
    for (; count > 0; --count) {
        Link* link = static_cast<Link*>(opaque(malloc(sizeof(Link))));
        link->next = links;
        links = link;
    }
    return links;
}
void free_links(Link* links) {
    while (links) {
        Link* const next = links->next;
        free(links);
        links = next;
    }
}

// Objects that are gone when somebody asks were there all the same.
void peak_of_small_objects() {
    surface::take(before);
    constexpr size_t kCount = 300000;
    free_links(make_links(kCount));
    surface::take(after);
    require(after.live_bytes < kMiB, "all are gone");
    require_peak(after.small_peak_bytes, before.small_live_bytes + kCount * sizeof(Link),
                 "peak of small objects");
    require_peak(after.peak_live_bytes, before.live_bytes + kCount * sizeof(Link), "peak of all");
    const uint64_t peak = after.peak_live_bytes;
    for (int i = 0; i < 3; ++i)
        free_links(make_links(kCount / 2));
    surface::take(after);
    require(after.peak_live_bytes == peak, "less than the peak does not change it");
}

// Neither at their own peak, but together at theirs; and each by itself before.
void peak_of_small_and_large() {
    surface::take(before);
    constexpr size_t kCount = 100000, kBlock = 20 * kMiB;
    free_links(make_links(2 * kCount));
    free(opaque(malloc(2 * kBlock)));
    void* const block = opaque(malloc(kBlock));
    free_links(make_links(kCount + kCount / 2));
    free(block);
    surface::take(after);
    require_peak(after.small_peak_bytes, before.small_live_bytes + 2 * kCount * sizeof(Link), "small alone");
    require(after.large_peak_bytes >= 2 * kBlock, "large alone");
    require(after.peak_live_bytes >= after.large_peak_bytes, "no less than a part");
    Link* const links = make_links(kCount);
    free(opaque(malloc(2 * kBlock)));
    surface::take(after);
    require_peak(after.peak_live_bytes, after.live_bytes + 2 * kBlock + 64 * 1024, "both");
    free_links(links);
}

// In another thread, which has ended; and a child goes on from its parent's.
void* make_and_free(void*) {
    free_links(make_links(200000));
    return nullptr;
}
void peak_of_threads_and_parents() {
    surface::take(before);
    pthread_t threads[3];
    for (pthread_t& thread : threads) {
        pthread_create(&thread, nullptr, make_and_free, nullptr);
        pthread_join(thread, nullptr);
    }
    surface::take(after);
    const uint64_t known = before.live_bytes + 200000 * sizeof(Link);
    require(after.peak_live_bytes <= known + kMiB / 4, "not too high");
    require(after.peak_live_bytes + peak_tolerance(known) >= known, "not too low");
    const uint64_t peak = after.peak_live_bytes;
    const pid_t child = fork();
    if (child == 0) {
        surface::take(after);
        require(after.peak_live_bytes == peak, "the parent's");
        free_links(make_links(400000));
        surface::take(after);
        require(after.peak_live_bytes + peak_tolerance(2 * known) >= 2 * known, "its own");
        _exit(0);
    }
    int status = 0;
    require(waitpid(child, &status, 0) == child && status == 0, "the child found what it should");
    surface::take(after);
    require(after.peak_live_bytes == peak, "the child's is not the parent's");
}

// Whoever reads while others are at work never sees it fall, nor below what is live.
std::atomic<bool> working{true};
void* make_and_free_again(void*) {
    for (int i = 0; i < 40; ++i)
        free_links(make_links(1000 + 1000 * static_cast<size_t>(i)));
    working = false;
    return nullptr;
}
void peaks_never_fall() {
    pthread_t thread;
    pthread_create(&thread, nullptr, make_and_free_again, nullptr);
    surface::take(before);
    while (working) {
        surface::take(after);
        require(after.peak_live_bytes >= before.peak_live_bytes, "it rises");
        require(after.small_peak_bytes >= before.small_peak_bytes, "it rises");
        require(after.peak_live_bytes >= after.live_bytes, "no less than what is live");
        require(after.small_peak_bytes >= after.small_live_bytes, "no less than what is live");
        require(after.peak_live_bytes >= after.small_peak_bytes, "no less than a part");
        before = after;
    }
    pthread_join(thread, nullptr);
}

// Threads that have ended still count.
void* work(void*) {
    for (int i = 0; i < 5000; ++i)
        free(opaque(malloc(static_cast<size_t>(i))));
    return nullptr;
}
void ended_threads() {
    opaque(malloc(1));  // this thread counts from its first request on
    surface::take(before);
    for (int i = 0; i < 20; ++i) {
        pthread_t thread;
        pthread_create(&thread, nullptr, work, nullptr);
        pthread_join(thread, nullptr);
    }
    surface::take(after);
    uint64_t made = after.allocations - before.allocations;
    require(made >= 100000 && made < 100000 + 20 * 20,
            "all of ended threads are counted, and hardly any other");
    require(after.threads == before.threads, "no thread is left");
    require(after.allocations - after.frees == after.live_objects, "live is the difference");
}

void calloc_and_realloc() {
    surface::take(before);
    void* object = opaque(calloc(10, 10));
    surface::take(after);
    require(after.allocations - before.allocations == 1, "calloc is one allocation");
    object = opaque(realloc(object, 101));
    surface::take(before);
    require(before.allocations == after.allocations, "realloc within the class is none");
    object = opaque(realloc(object, 5000));
    surface::take(after);
    require(after.allocations - before.allocations == 1 && after.frees - before.frees == 1,
            "realloc that moves is one allocation and one free");
    free(object);
}

void failures_count_nothing() {
    surface::take(before);
    require(!opaque(malloc(opaque(SIZE_MAX / 2))) && !opaque(calloc(opaque(SIZE_MAX / 2), 2)), "refused");
    void* object = nullptr;
    require(posix_memalign(&object, 24, 8) != 0, "refused");
    surface::take(after);
    require(after.allocations == before.allocations && after.live_bytes == before.live_bytes,
            "nothing counted");
}

}  // namespace

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"allocations_per_class", allocations_per_class},
                       {"frees_per_class", frees_per_class},
                       {"remote_frees_per_class", remote_frees_per_class},
                       {"many_allocations_and_frees", many_allocations_and_frees},
                       {"large_blocks", large_blocks},
                       {"peak_of_small_objects", peak_of_small_objects},
                       {"peak_of_small_and_large", peak_of_small_and_large},
                       {"peak_of_threads_and_parents", peak_of_threads_and_parents},
                       {"peaks_never_fall", peaks_never_fall},
                       {"ended_threads", ended_threads},
                       {"calloc_and_realloc", calloc_and_realloc},
                       {"failures_count_nothing", failures_count_nothing}});
}
