// SPDX-License-Identifier: MIT
// Programs that misuse guarded objects (docs/guard.md), in threads and in children as well.
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

#include <atomic>

#include "guard_objects.h"

namespace {

// One that lies at the end of its pages, or at their begin.
enum class Side { kBegin, kEnd };
// To the end of what is aligned.
size_t granted(char* made) {
    return (malloc_usable_size(made) + 15) / 16 * 16;
}
char* make_at(size_t size, Side side) {
    for (int i = 0; i < 100; ++i) {
        char* const made = make(size);
        const uintptr_t edge = side == Side::kEnd ? address(made) + granted(made) : address(made);
        if (edge % kPage == 0) return made;
        drop(made);
    }
    check::fail("it lies on either side by turns");
}

void overflow(size_t size, void (*touch)(volatile char*)) {
    char* const object = make_at(size, Side::kEnd);
    const size_t usable = malloc_usable_size(object);
    require(usable == (size < 16 ? 16 : size), "no more may be touched than was asked for");
    for (size_t i = 0; i < usable; ++i)
        write_to(object + i);
    char* const behind = object + granted(object);
    fprintf(stderr, "touches %p\n", static_cast<void*>(behind));
    touch(behind);
}
void underflow(size_t size, void (*touch)(volatile char*)) {
    char* const object = make_at(size, Side::kBegin);
    write_to(object);
    fprintf(stderr, "touches %p\n", static_cast<void*>(object - 1));
    touch(object - 1);
}
// Others come and go meanwhile.
void use_after_free(size_t size, size_t others, void (*touch)(volatile char*)) {
    char* const object = make(size);
    drop(object);
    for (size_t i = 0; i < others; ++i)
        drop(make(1 + i * 37 % 4000));
    fprintf(stderr, "touches %p\n", static_cast<void*>(object + size / 2));
    touch(object + size / 2);
}
void read_it(volatile char* at) {
    read_from(at);
}

// Where no guard lies.
void write_beside(size_t size, Side side, bool before) {
    char* const object = make_at(size, side);
    char* const at = before ? object - 1 : object + size;
    fprintf(stderr, "touches %p\n", static_cast<void*>(at));
    write_to(at);
    drop(object);
    for (int i = 0; i < 100; ++i)
        drop(make(size));
}

void misuse(const char* kind, size_t size) {
    char* const object = make(size);
    if (!strcmp(kind, "double_free")) {
        drop(object);
        drop(object);
    } else if (!strcmp(kind, "interior_free")) {
        drop(object + 8);
    } else if (!strcmp(kind, "free_past_the_end")) {
        drop(object + size + 8);
    } else if (!strcmp(kind, "realloc_of_a_freed_one")) {
        drop(object);
        require(realloc(check::opaque(object), 2 * size) == nullptr, "not reached");
    } else if (!strcmp(kind, "usable_size_of_a_freed_one")) {
        drop(object);
        require(malloc_usable_size(check::opaque(object)) == 0, "not reached");
    }
}

bool fault(const char* kind, size_t size) {
    const bool writes = strstr(kind, "write");
    const auto touch = writes ? write_to : read_it;
    if (strstr(kind, "overflow"))
        overflow(size, touch);
    else if (strstr(kind, "underflow"))
        underflow(size, touch);
    else if (strstr(kind, "late_use"))
        use_after_free(size, 200, touch);
    else if (strstr(kind, "use"))
        use_after_free(size, 0, touch);
    else if (strstr(kind, "beside"))
        write_beside(size, strstr(kind, "at_end") ? Side::kEnd : Side::kBegin, strstr(kind, "before"));
    else
        return misuse(kind, size), true;
    return true;
}

// Threads: made by one, freed by another, used by a third.
char* passed;
long ids[3];
template <class Function>
void in_thread(Function function) {
    pthread_t thread;
    require(pthread_create(
                &thread, nullptr,
                [](void* context) -> void* {
                    (*static_cast<Function*>(context))();
                    return nullptr;
                },
                &function) == 0,
            "a thread");
    pthread_join(thread, nullptr);
}
void three_threads() {
    in_thread([] { ids[0] = syscall(SYS_gettid), passed = make(200); });
    in_thread([] { ids[1] = syscall(SYS_gettid), drop(passed); });
    in_thread([] {
        ids[2] = syscall(SYS_gettid);
        fprintf(stderr, "threads %ld %ld %ld\n", ids[0], ids[1], ids[2]);
        read_from(passed + 100);
    });
}

// Of an object freed before, of one freed in the child, and of one made there; and the parent's stay as they are.
void forks() {
    static char* const freed = make(100);
    static char* const live = make(100);
    drop(freed);
    const auto segv = [](int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV; };
    require(segv(status_of_child([] { read_from(freed); })), "freed by the parent");
    require(segv(status_of_child([] { drop(live), read_from(live); })), "freed by the child");
    require(segv(status_of_child([] { read_from(passed = make(50)), drop(passed), read_from(passed); })),
            "its own");
    require(status_of_child([] {
                for (int i = 0; i < 1000; ++i)
                    drop(make(i % 300 + 1));
                drop(live);
            }) == 0,
            "and no other");
    require(read_from(live) == 'x', "the parent's is as it was");
    drop(live);
}

std::atomic<bool> go_on{true};
void* allocates(void*) {
    for (unsigned i = 0; go_on; ++i)
        drop(make(i % 2000 + 1));
    return nullptr;
}
void forks_among_threads() {
    pthread_t threads[2];
    for (pthread_t& thread : threads)
        pthread_create(&thread, nullptr, allocates, nullptr);
    for (int i = 0; i < (check::is_long() ? 100 : 40); ++i)
        require(status_of_child([] {
                    for (int k = 0; k < 300; ++k)
                        drop(make(k + 1));
                    char* const object = make(100);
                    drop(object);
                }) == 0,
                "the child allocates and frees");
    go_on = false;
    for (pthread_t thread : threads)
        pthread_join(thread, nullptr);
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 2) check::give_up("which fact?", 2);
    const auto is = [=](const char* name) { return !strcmp(arguments[1], name); };
    if (is("fault"))
        fault(arguments[2], argument(arguments, 3));
    else if (is("three_threads"))
        three_threads();
    else if (is("forks"))
        forks();
    else if (is("forks_among_threads"))
        forks_among_threads();
    else
        check::give_up("no such fact in this program", 2);
}
