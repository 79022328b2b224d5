// SPDX-License-Identifier: MIT
// What an allocator noted about somebody else goes stale: threads end without telling it and their thread
// pointer is given to the next, bytes that were never written are copied from object to object.
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;

namespace {

constexpr size_t kObjects = 2048;
void* first[kObjects];
void* second[kObjects];

void in_thread(void* (*body)(void*), void* argument = nullptr) {
    pthread_t thread;
    require(pthread_create(&thread, nullptr, body, argument) == 0, "a thread starts");
    pthread_join(thread, nullptr);
}

// What the C library keeps for a thread it frees after the thread's last destructor.
void leave_texts() {
    require(strlen(opaque(strerror(99999))) > 0, "a text for an unknown number");
    require(!dlsym(RTLD_DEFAULT, "no such name"), "a name that nobody has");
}
void resolve() {
    addrinfo hints = {};
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* found = nullptr;
    require(getaddrinfo("127.0.0.1", "80", &hints, &found) == 0, "an address");
    freeaddrinfo(found);
}

// Fewer and more than a bin holds: what is left over differs.
size_t count_now = kObjects;
void fill(void** objects) {
    for (size_t i = 0; i < count_now; ++i)
        *static_cast<size_t*>(objects[i] = malloc(32)) = i;
}
void drain(void** objects) {
    for (size_t i = 0; i < count_now; ++i) {
        require(*static_cast<size_t*>(objects[i]) == i, "its contents are its own");
        free(objects[i]);
    }
}
void go_on() {
    fill(first);
    drain(first);
}

// Thread 2 has the stack, and so the thread pointer, that thread 1 had, and frees what that one made.
void* make_and_leave_texts(void*) {
    fill(first);
    leave_texts();
    return nullptr;
}
void* make_and_resolve(void*) {
    fill(first);
    resolve();
    return nullptr;
}
void* make_and_end_raw(void*) {
    fill(first);
    syscall(SYS_exit, 0);
    return nullptr;
}
void* free_what_the_first_made(void*) {
    fill(second);
    drain(first);
    return nullptr;
}
void one_after_another(void* (*maker)(void*), int rounds) {
    for (int i = 0; i < rounds; ++i) {
        count_now = i % 2 ? kObjects : 300;
        in_thread(maker);
        in_thread(free_what_the_first_made);
        drain(second);
        go_on();
    }
}
void texts_at_the_end() {
    one_after_another(make_and_leave_texts, 50);
}
void addresses_at_the_end() {
    one_after_another(make_and_resolve, 50);
}
void raw_exit() {
    one_after_another(make_and_end_raw, 2);
}
void raw_exits() {
    one_after_another(make_and_end_raw, 50);
}

// The next thread with the same stack ends by the raw call too, having freed half of what is there.
void* end_raw_after_freeing(void*) {
    for (size_t i = 0; i < kObjects; i += 2)
        free(first[i]);
    for (size_t i = 0; i < kObjects; i += 2)
        *static_cast<size_t*>(first[i] = malloc(32)) = i;
    syscall(SYS_exit, 0);
    return nullptr;
}
void raw_exits_in_a_row() {
    fill(first);
    for (int i = 0; i < 50; ++i)
        in_thread(end_raw_after_freeing);
    drain(first);
    go_on();
}

// A tagged value whose payload nobody writes while the tag says that there is none.
struct Value {
    int tag;
    union {
        double number;
        void* pointer;
    } payload;
};
struct Frame {
    Value values[4];
};
constexpr size_t kValues = 40000, kFrames = 10000;
Value* values[kValues];
Frame* frames[kFrames];

// Frames, in memory in which values were: what is not written of them is what values left.
void make_stale_frames() {
    for (Value*& value : values)
        value = static_cast<Value*>(malloc(sizeof(Value)));
    for (Value* value : values)
        free(value);
    for (Frame*& frame : frames) {
        frame = static_cast<Frame*>(malloc(sizeof(Frame)));
        for (Value& value : frame->values)
            value.tag = 0;
    }
}
Value* boxed(size_t number) {
    auto* box = static_cast<Value*>(malloc(sizeof(Value)));
    memcpy(box, &frames[number % kFrames]->values[number % 4], sizeof(Value));
    return box;
}
void* free_value(void* value) {
    require(static_cast<Value*>(value)->tag == 0, "the tag that was copied");
    free(value);
    return nullptr;
}
void copied_values() {
    make_stale_frames();
    for (size_t i = 0; i < 300; ++i)
        in_thread(free_value, boxed(i * 7 + 2));
    for (size_t i = 0; i < 100000; ++i)
        free(boxed(i));
}
void copied_value_freed_twice() {
    make_stale_frames();
    Value* box = boxed(14);
    free(opaque(box));
    free(opaque(box));
}
void copied_value_freed_twice_by_another_thread() {
    make_stale_frames();
    Value* box = boxed(14);
    in_thread(free_value, opaque(box));
    in_thread([](void* value) -> void* { return free(value), nullptr; }, opaque(box));
}

// Whole objects over live ones of the same size, whether their bytes were ever written or not.
void* free_all_in_thread(void* objects) {
    for (size_t i = 0; i < kObjects; ++i)
        free(static_cast<void**>(objects)[i]);
    return nullptr;
}
void copied_objects() {
    process::Random random{4711};
    for (size_t size = 16; size <= 32768; size *= 2)
        for (int round = 0; round < 4; ++round) {
            for (size_t i = 0; i < kObjects; ++i)
                first[i] = malloc(size), second[i] = malloc(size);
            for (size_t i = 0; i < kObjects; ++i)
                memcpy(first[random.below(kObjects)], second[random.below(kObjects)], size);
            in_thread(free_all_in_thread, second);  // their marks, if any, are copied below
            for (size_t i = 0; i < kObjects; ++i)
                memcpy(second[i] = malloc(size), first[random.below(kObjects)], size);
            free_all_in_thread(first);
            in_thread(free_all_in_thread, second);
        }
}

void* short_thread(void* leaves_texts) {
    auto* bytes = static_cast<char*>(malloc(100));
    bytes[0] = 1;
    if (leaves_texts) leave_texts();
    free(opaque(bytes));
    return nullptr;
}
void many_short_threads(void* leave) {
    for (int i = 0; i < 750; ++i) {
        pthread_t threads[4];
        for (pthread_t& thread : threads)
            require(!pthread_create(&thread, nullptr, short_thread, leave), "a thread starts");
        for (pthread_t thread : threads)
            pthread_join(thread, nullptr);
    }
}
void texts_of_many_threads() {
    int yes = 1;
    in_thread(short_thread, &yes);
    const size_t before = process::resident();
    many_short_threads(&yes);
    const size_t after = process::resident();
    printf("%zu KiB more\n", after > before ? (after - before) >> 10 : 0);
    fflush(stdout);
    require(after < before + 2 * kMiB, "3,000 threads leave nothing behind");
    if (!tarn_stats_get) return;
    static tarn_stats stats;
    require(tarn_stats_get(&stats, sizeof stats) == 0, "statistics");
    require(stats.threads <= 8, "a cache that ended is not counted as living");
}

}  // namespace

int main(int count, char** arguments) {
    alarm(check::patience(50));
    return check::run(
        count, arguments,
        {{"texts_at_the_end", texts_at_the_end},
         {"addresses_at_the_end", addresses_at_the_end},
         {"raw_exit", raw_exit},
         {"raw_exits", raw_exits},
         {"raw_exits_in_a_row", raw_exits_in_a_row},
         {"copied_values", copied_values},
         {"copied_value_freed_twice", copied_value_freed_twice},
         {"copied_value_freed_twice_by_another_thread", copied_value_freed_twice_by_another_thread},
         {"copied_objects", copied_objects},
         {"texts_of_many_threads", texts_of_many_threads}});
}
