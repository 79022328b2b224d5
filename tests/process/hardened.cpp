// SPDX-License-Identifier: MIT
// Misuse that the hardened mode finds, one process each: it must end with a message before it gets to its end. The size is the second argument.
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;

namespace {

size_t chosen = 100;

char* make(size_t size) {
    return static_cast<char*>(memset(opaque(malloc(size)), 1, size));
}
char* make() {
    return make(chosen);
}

// Two objects side by side, the lower first.
struct Pair {
    char *low, *high;
};
Pair neighbours() {
    constexpr int kMany = 400;
    static char* all[kMany];
    for (char*& object : all)
        object = make();
    std::sort(all, all + kMany);
    ptrdiff_t least = PTRDIFF_MAX;
    for (int i = 1; i < kMany; ++i)
        least = std::min(least, all[i] - all[i - 1]);
    require(least < static_cast<ptrdiff_t>(chosen + chosen / 4 + 64), "objects lie side by side");
    for (int i = 1; i < kMany; ++i)
        if (all[i] - all[i - 1] == least) return {all[i - 1], all[i]};
    check::fail("none are side by side");
}

// As many as lie in some slabs, so that each place is taken.
void take_many() {
    const size_t many = std::min<size_t>(20000, (size_t{32} << 20) / (chosen + 16));
    for (size_t i = 0; i < many; ++i)
        opaque(malloc(chosen));
}

// Double frees.
void twice_written_over() {
    char* object = make();
    free(object);
    memset(opaque(object), 0x41, chosen);
    free(opaque(object));
}
void twice_with_frees_between() {
    char* object = make();
    free(object);
    for (int i = 0; i < 20; ++i)
        free(make());
    free(opaque(object));
}
void twice_after_trim() {
    static char* all[200];
    for (char*& object : all)
        object = make();
    for (char* object : all)
        free(object);
    malloc_trim(0);
    free(opaque(all[100]));
}
void by_realloc() {
    char* object = make();
    free(object);
    opaque(realloc(opaque(object), chosen + 1));
}

// Pointers that are none.
void inside_by_one() {
    free(opaque(make() + 1));
}
void inside_its_last_byte() {
    free(opaque(make() + chosen - 1));
}
void inside_of_a_freed_one() {
    char* object = make();
    free(object);
    free(opaque(object + 16));
}
void never_handed_out() {
    char* object = make();
    for (char* at = object - 4096; at < object + 4096; at += 16)
        if (at != object) return free(opaque(at));
}
void forged_chunk() {
    auto* words = static_cast<size_t*>(
        mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    words[512 + 1] = words[512 + 9] = 0x41;
    free(opaque(words + 512 + 2));
}
void forged_chunk_inside() {
    auto* words = reinterpret_cast<size_t*>(make(400));
    words[1] = words[9] = 0x41;
    free(opaque(words + 2));
}
void of_stack() {
    alignas(16) size_t local[64] = {};
    local[1] = local[9] = 0x41;
    free(opaque(local) + 2);
}
void of_an_unmapped_block() {
    char* object = make();
    munmap(reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(object) & ~4095ul), 8192);
    free(object);
}

// Writes outside. What is written: a terminating zero, text, a byte of ones.
void past_the_end_by_one(int value) {
    char* object = make();
    opaque(object)[chosen] = static_cast<char>(value);
    free(object);
}
void past_the_end_by_a_zero() {
    past_the_end_by_one(0);
}
void past_the_end_by_a_letter() {
    past_the_end_by_one('A');
}
void past_the_end_by_ones() {
    past_the_end_by_one(0xff);
}
void past_the_end_by_seven() {
    char* object = make();
    opaque(object)[chosen + 7] = 0;
    free(object);
}
void past_the_end_seen_by_the_next() {
    const Pair pair = neighbours();
    opaque(pair.low)[chosen] = 0;
    free(pair.high);
}
void past_the_end_seen_by_realloc() {
    char* object = make();
    opaque(object)[chosen] = 0;
    opaque(realloc(object, chosen + 1));
}
void past_the_end_seen_at_exit() {
    opaque(make())[chosen] = 0;
}
void past_the_end_seen_by_exit_at_once() {
    opaque(make())[chosen] = 0;
    _exit(0);
}
void past_the_end_seen_by_a_child_that_exits_at_once() {
    const pid_t child = fork();
    if (child == 0) {
        close(2);
        past_the_end_seen_by_exit_at_once();
    }
    int status = 0;
    require(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "its fault was found");
}
void nothing_seen_by_exit_at_once() {
    opaque(make())[chosen - 1] = 0;
    _exit(0);
}
void before_the_begin_by_one() {
    const Pair pair = neighbours();
    opaque(pair.high)[-1] = 0;
    free(pair.high);
}
void before_the_begin_seen_by_the_last() {
    const Pair pair = neighbours();
    opaque(pair.high)[-1] = 0;
    free(pair.low);
}
void before_the_begin_by_a_free_neighbour() {
    const Pair pair = neighbours();
    free(pair.low);
    opaque(pair.high)[-1] = 7;
    free(pair.high);
}
void before_the_begin_seen_at_exit() {
    opaque(neighbours().high)[-1] = 0;
}
void large_before_the_begin() {
    char* object = make();
    opaque(object)[-1] = 0;
    free(object);
}

// Writes after free.
void after_free(size_t at) {
    char* object = make();
    free(object);
    opaque(object)[at] = 1;
    take_many();
}
void after_free_first_byte() {
    after_free(0);
}
void after_free_last_byte() {
    after_free(chosen - 1);
}
void after_free_seen_at_exit() {
    char* object = make();
    free(object);
    opaque(object)[chosen / 2] = 1;
}
void link_written_into_freed() {
    static char target[256];
    static char* all[3000];
    const int many = chosen > 4000 ? 100 : 3000;
    for (int i = 0; i < many; ++i)
        all[i] = make();
    for (int i = 0; i < many; ++i)
        free(all[i]);
    for (int i = 0; i < many; ++i)
        *reinterpret_cast<void**>(opaque(all[i])) = target;
    for (int i = 0; i < 30000; ++i)
        require(malloc(chosen) != target, "malloc does not follow it");
}

// Forms that do not match.
void delete_of_malloc() {
    ::operator delete(make());
}
void delete_array_of_malloc() {
    ::operator delete[](make());
}
void free_of_new() {
    free(opaque(::operator new(chosen)));
}
void free_of_new_array() {
    free(opaque(::operator new[](chosen)));
}
void delete_of_new_array() {
    ::operator delete(opaque(::operator new[](chosen)));
}
void delete_array_of_new() {
    ::operator delete[](opaque(::operator new(chosen)));
}
void sized_delete_of_new_array() {
    ::operator delete(opaque(::operator new[](chosen)), chosen);
}
void realloc_of_new() {
    opaque(realloc(opaque(::operator new(chosen)), chosen + 1));
}
void free_of_aligned_new() {
    free(opaque(::operator new (chosen, std::align_val_t{64})));
}
void free_sized_of_new() {
    surface::need(free_sized != nullptr, "free_sized");
    free_sized(opaque(::operator new(chosen)), chosen);
}

// Wrong sizes.
void freed_as_one_more() {
    surface::need(free_sized != nullptr, "free_sized");
    free_sized(make(), chosen + 1);
}
void freed_as_one_less() {
    surface::need(free_sized != nullptr, "free_sized");
    free_sized(make(), chosen - 1);
}
void deleted_as_one_less() {
    ::operator delete(opaque(::operator new(chosen)), chosen - 1);
}
void aligned_freed_as_one_more() {
    surface::need(free_aligned_sized != nullptr, "free_aligned_sized");
    free_aligned_sized(opaque(aligned_alloc(64, 640)), 64, 641);
}

void nothing_twice() {
    void* object = opaque(malloc(0));
    free(object);
    free(opaque(object));
}
}  // namespace

int main(int count, char** arguments) {
    if (count > 2) chosen = strtoul(arguments[2], nullptr, 10);
#define FACT(name) \
    { #name, name }
    return check::run(count, arguments,
                      {FACT(twice_written_over),
                       FACT(twice_with_frees_between),
                       FACT(twice_after_trim),
                       FACT(by_realloc),
                       FACT(inside_by_one),
                       FACT(inside_its_last_byte),
                       FACT(inside_of_a_freed_one),
                       FACT(never_handed_out),
                       FACT(forged_chunk),
                       FACT(forged_chunk_inside),
                       FACT(of_stack),
                       FACT(of_an_unmapped_block),
                       FACT(past_the_end_by_a_zero),
                       FACT(past_the_end_by_a_letter),
                       FACT(past_the_end_by_ones),
                       FACT(past_the_end_by_seven),
                       FACT(past_the_end_seen_by_the_next),
                       FACT(past_the_end_seen_by_realloc),
                       FACT(past_the_end_seen_at_exit),
                       FACT(past_the_end_seen_by_exit_at_once),
                       FACT(past_the_end_seen_by_a_child_that_exits_at_once),
                       FACT(nothing_seen_by_exit_at_once),
                       FACT(before_the_begin_by_one),
                       FACT(before_the_begin_seen_by_the_last),
                       FACT(before_the_begin_by_a_free_neighbour),
                       FACT(before_the_begin_seen_at_exit),
                       FACT(large_before_the_begin),
                       FACT(after_free_first_byte),
                       FACT(after_free_last_byte),
                       FACT(after_free_seen_at_exit),
                       FACT(link_written_into_freed),
                       FACT(delete_of_malloc),
                       FACT(delete_array_of_malloc),
                       FACT(free_of_new),
                       FACT(free_of_new_array),
                       FACT(delete_of_new_array),
                       FACT(delete_array_of_new),
                       FACT(sized_delete_of_new_array),
                       FACT(realloc_of_new),
                       FACT(free_of_aligned_new),
                       FACT(free_sized_of_new),
                       FACT(freed_as_one_more),
                       FACT(freed_as_one_less),
                       FACT(deleted_as_one_less),
                       FACT(aligned_freed_as_one_more),
                       FACT(nothing_twice)});
#undef FACT
}
