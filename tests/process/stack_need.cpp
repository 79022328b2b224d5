// SPDX-License-Identifier: MIT
// How much stack an allocation function needs: what lies below its caller is painted before the call, and the
// deepest byte that changed is looked for afterwards. To be run with LD_BIND_NOW=1: the dynamic linker's
// resolver of lazy bindings saves all vector registers on the stack of the first call, some 3 KiB that are
// not the allocator's. "alternate" is to be run without: a signal handler has an alternate stack with a page behind its
// end that may not be touched, and what it calls comes for the first time.
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <new>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;
using process::kMiB;

namespace {

constexpr size_t kStack = size_t{1} << 20;
constexpr size_t kPainted = 512 << 10;
constexpr uint64_t kPattern = 0x5a3c96e1d2b4870full;

size_t limit = 2048;  // the second argument; 0: only to be shown
size_t worst = 0;
size_t nothing_needs = 0;

// Bytes below this frame that `body` changed.
[[gnu::noinline]] size_t need_of(void (*body)(size_t), size_t argument) {
    auto* const top = static_cast<volatile uint64_t*>(__builtin_alloca(16));  // where the stack ends now
    for (size_t i = 1; i <= kPainted / 8; ++i)
        top[-static_cast<ptrdiff_t>(i)] = kPattern;
    body(argument);
    size_t deepest = kPainted / 8;
    while (deepest && top[-static_cast<ptrdiff_t>(deepest)] == kPattern)
        --deepest;
    return deepest * 8;
}

void measure(const char* what, void (*body)(size_t), size_t argument = 0) {
    const size_t need = need_of(body, argument) - nothing_needs;
    if (need > worst) worst = need;
    char line[160];
    const int length = snprintf(line, sizeof line, "%5zu bytes  %s, %zu\n", need, what, argument);
    require(write(1, line, static_cast<size_t>(length)) == length, "is shown");
}

void* kept[200000];
size_t count;

void nothing(size_t) {
    opaque(kept[0]);
}
void one(size_t size) {
    kept[count++] = malloc(size);
}
void one_and_free(size_t size) {
    free(opaque(malloc(size)));
}
void cleared(size_t size) {
    kept[count++] = calloc(1, size);
}
void aligned(size_t size) {
    kept[count++] = aligned_alloc(4096, size);
}
void by_posix(size_t size) {
    require(!posix_memalign(&kept[count++], 65536, size), "posix_memalign");
}
void by_new(size_t size) {
    ::operator delete(opaque(::operator new(size)));
}
void grown(size_t size) {
    kept[count - 1] = realloc(kept[count - 1], size);
}
void last_freed(size_t) {
    free(kept[--count]);
}
void last_usable(size_t) {
    malloc_usable_size(kept[count - 1]);
}
void all_freed(size_t) {
    while (count)
        free(kept[--count]);
}
void many(size_t size) {
    for (size_t i = 0; i < 3000; ++i)
        one(size);
}
void trim(size_t) {
    malloc_trim(0);
}
void too_large(size_t size) {
    require(!malloc(size), "there is not that much");
}

// A bin is filled, emptied, filled from other slabs, and overflows.
void measure_size(size_t size) {
    measure("malloc", one, size);
    measure("free", last_freed);
    measure("calloc", cleared, size);
    measure("aligned_alloc to 4096", aligned, size);
    measure("posix_memalign to 65536", by_posix, size);
    measure("operator new", by_new, size);
    measure("malloc_usable_size", last_usable);
    measure("realloc to twice", grown, size * 2);
    measure("realloc to half", grown, size / 2 + 1);
    measure("free of all", all_freed);
}

pthread_barrier_t turn;
void wait_turn() {
    pthread_barrier_wait(&turn);
}
// Another thread: what it made is freed here while it lives, and again after its end.
void* other(void*) {
    many(200);
    wait_turn();
    wait_turn();
    measure("malloc that collects what others freed", many, 200);
    many(3000);
    for (int i = 0; i < 200; ++i)
        one(50000);
    return nullptr;
}
void measure_threads(pthread_attr_t* attributes) {
    pthread_t thread;
    pthread_barrier_init(&turn, nullptr, 2);
    require(!pthread_create(&thread, attributes, other, nullptr), "a thread starts");
    wait_turn();
    measure("free of a living thread's objects", all_freed);
    wait_turn();
    pthread_join(thread, nullptr);
    measure("free of an ended thread's objects", all_freed);
    measure("malloc from an ended thread's slabs", many, 200);
    measure("free", all_freed);
}

// A thread of its own, whose first call is `argument`'s.
struct First {
    const char* what;
    void (*body)(size_t);
    size_t size;
};
void* first_call(void* argument) {
    const First& first = *static_cast<First*>(argument);
    measure(first.what, first.body, first.size);
    return nullptr;
}
void* rest(void* attributes) {
    for (size_t size : {0, 16, 500, 5000, 30000, 40000, 100000, 300000, 3000000})
        measure_size(size);
    for (size_t size : {16, 500, 5000, 30000}) {
        measure("3,000 of malloc", many, size);
        measure("free of them", all_freed);
        measure("malloc_trim", trim);
        measure("3,000 of malloc", many, size);
        measure("free of them", all_freed);
    }
    measure("3,000 of malloc", many, 50000);
    measure("free of them", all_freed);
    measure("malloc_trim", trim);
    measure("malloc of too much", too_large, SIZE_MAX / 4);
    measure_threads(static_cast<pthread_attr_t*>(attributes));
    return nullptr;
}

void in_thread(pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
    pthread_t thread;
    require(!pthread_create(&thread, attributes, body, argument), "a thread starts");
    pthread_join(thread, nullptr);
}

void states() {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStack);
    First firsts[] = {{"nothing", nothing, 0},
                      {"first malloc of a thread", one, 100},
                      {"first calloc of a thread", cleared, 100},
                      {"first aligned_alloc of a thread", aligned, 100},
                      {"first operator new of a thread", by_new, 100},
                      {"first large malloc of a thread", one, 100000},
                      {"first malloc and free of a thread", one_and_free, 50000},
                      {"free as a thread's first call", last_freed, 0},
                      {"realloc as a thread's first call", grown, 5000},
                      {"malloc_trim as a thread's first call", trim, 0}};
    in_thread(&attributes, first_call, &firsts[0]);
    nothing_needs = worst;
    worst = 0;
    for (First& first : firsts)
        in_thread(&attributes, first_call, &first);
    in_thread(&attributes, rest, &attributes);
    printf("%zu bytes at most\n", worst);
    fflush(stdout);
    require(limit == 0 || worst <= limit, "no allocation function needs more than 2 KiB of stack");
}

// ---- a handler's stack --------------------------------------------------------------------------------------------

void one_block(size_t) {
    free(opaque(malloc(1 << 20)));
}
void resized_blocks(size_t) {
    for (size_t i = 0; i < 100; ++i)
        kept[i] = realloc(malloc(40000), 400000);
    for (size_t i = 0; i < 100; ++i)
        free(opaque(realloc(kept[i], 50000)));
}
void aligned_blocks(size_t) {
    for (size_t i = 0; i < 20; ++i)
        kept[i] = aligned_alloc(65536, 200000);
    for (size_t i = 0; i < 20; ++i)
        free(opaque(kept[i]));
}
void small_objects(size_t) {
    for (size_t i = 0; i < 3000; ++i)
        kept[i] = calloc(1, i);
    for (size_t i = 0; i < 3000; ++i)
        free(opaque(kept[i]));
}
void none_left(size_t) {
    require(!opaque(malloc(SIZE_MAX / 4)), "there is not that much");
}

using Act = void (*)(size_t);
Act act;
void handler(int) {
    act(0);
}

// What fits on the stack of 5,120 bytes that a program may have for its handlers on machines with AVX-512; more where the
// kernel saves more registers.
constexpr size_t kHandlers = 5120, kOfHandler = kHandlers - 3376;
char* handlers_stack() {
    const size_t least = static_cast<size_t>(sysconf(_SC_MINSIGSTKSZ)) + kOfHandler;
    const size_t bytes = ((least > kHandlers ? least : kHandlers) + 63) / 64 * 64,
                 whole = (bytes + 4095) / 4096 * 4096;
    char* const at = static_cast<char*>(
        mmap(nullptr, whole + 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    require(at != MAP_FAILED && !mprotect(at, 4096, PROT_NONE), "a stack with a guard");
    const stack_t stack = {at + 4096, 0, bytes};
    require(!sigaltstack(&stack, nullptr), "it is the handler's");
    memset(at + 4096, 0x5a, bytes);
    return at + 4096 + bytes;
}

// The handler runs twice, the second time when the record is due for another snapshot; bytes of its stack.
size_t in_handler(Act what) {
    char* const top = handlers_stack();
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, nullptr);
    act = what;
    raise(SIGUSR1);
    usleep(120000);
    raise(SIGUSR1);
    stack_t own;
    sigaltstack(nullptr, &own);
    const char* deepest = static_cast<const char*>(own.ss_sp);
    while (*deepest == 0x5a)
        ++deepest;
    return static_cast<size_t>(top - deepest);
}

struct Done {
    const char* what;
    Act body;
};
void alternate() {
    free(opaque(malloc(1)));
    for (const Done& each : {Done{"nothing", nothing}, Done{"a block", one_block},
                             Done{"blocks", resized_blocks}, Done{"aligned blocks", aligned_blocks},
                             Done{"small objects", small_objects}, Done{"too much", none_left}}) {
        const pid_t child = fork();
        if (child == 0) {
            printf("%5zu bytes  %s\n", in_handler(each.body), each.what);
            fflush(stdout);
            _exit(0);
        }
        int status = 1;
        waitpid(child, &status, 0);
        if (status != 0) printf("%s: status %x\n", each.what, static_cast<unsigned>(status));
        require(status == 0, "the handler's stack is large enough in a child");
        require(in_handler(each.body) > 0, "and in the process itself");
    }
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count > 2) limit = strtoul(arguments[2], nullptr, 10);
    return check::run(argument_count, arguments, {{"states", states}, {"alternate", alternate}});
}
