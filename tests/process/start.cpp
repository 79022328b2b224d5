// SPDX-License-Identifier: MIT
// Allocation before the library's own constructors have run, and after its destructors have: the first
// argument picks what happens in .preinit_array, in a constructor, in atexit handlers and destructors.
#include <pthread.h>
#include <stdint.h>

#include "check.h"
#include "process.h"
#include "surface.h"

using check::opaque;
using check::require;

namespace {

void* early[64];

void use(size_t rounds) {
    for (size_t i = 0; i < rounds; ++i) {
        size_t size = (i * 37) % 5000;
        auto* bytes = static_cast<unsigned char*>(opaque(malloc(size + 1)));
        memset(bytes, 7, size + 1);
        bytes = static_cast<unsigned char*>(opaque(realloc(bytes, size * 2 + 1)));
        require(bytes && bytes[size] == 7, "realloc keeps the contents");
        free(bytes);
    }
    void* large = opaque(calloc(1, 3 << 20));
    require(large != nullptr, "large blocks as well");
    free(large);
}

// Runs before any constructor, of preloaded libraries too. What comes first differs by program.
void first_calls(int count, char** arguments, char**) {
    const char* first = count > 1 ? arguments[1] : "";
    void* object = nullptr;
    if (!strcmp(first, "free_null_first")) free(opaque<void*>(nullptr));
    if (!strcmp(first, "usable_size_first"))
        require(!malloc_usable_size(opaque<void*>(nullptr)), "0 for NULL");
    if (!strcmp(first, "realloc_first")) require((object = realloc(nullptr, 10)), "realloc");
    if (!strcmp(first, "calloc_first")) require((object = calloc(10, 10)), "calloc");
    if (!strcmp(first, "aligned_first")) require(!posix_memalign(&object, 64, 10), "posix_memalign");
    if (!strcmp(first, "large_first")) require((object = malloc(5 << 20)), "a large block");
    if (!strcmp(first, "huge_first"))
        require(!(object = malloc(opaque(SIZE_MAX / 2))), "NULL for a huge block");
    if (!strcmp(first, "trim_first")) malloc_trim(0);
    if (!strcmp(first, "mallinfo_first")) require(mallinfo2().uordblks < process::kMiB, "mallinfo2");
    free(object);
    for (void*& slot : early)
        slot = memset(malloc(100), 1, 100);
    use(100);
}

__attribute__((constructor(101))) void constructor() {
    for (int i = 0; i < 32; ++i)
        free(early[i]);
    use(100);
}

__attribute__((destructor(101))) void destructor() {
    use(1000);
}

void* thread_body(void*) {
    use(1000);
    return nullptr;
}

void go_on() {
    for (int i = 32; i < 64; ++i) {
        require(static_cast<char*>(early[i])[99] == 1, "early objects are as they were");
        free(early[i]);
    }
    use(1000);
    pthread_t thread;
    pthread_create(&thread, nullptr, thread_body, nullptr);
    pthread_join(thread, nullptr);
}

void* kept;

void in_atexit_handlers() {
    kept = malloc(5000);
    for (int i = 0; i < 40; ++i)
        atexit([] { use(100); });
    atexit([] { free(kept); });
    atexit([] { thread_body(nullptr); });
}

// A thread goes on allocating while the process ends.
void threads_outlive_main() {
    for (int i = 0; i < 3; ++i) {
        pthread_t thread;
        auto forever = [](void*) -> void* {
            for (;;)
                use(10);
        };
        pthread_create(&thread, nullptr, forever, nullptr);
        pthread_detach(thread);
    }
    usleep(50000);
}

// main's thread ends first; another thread ends the process.
void main_thread_ends_first() {
    pthread_t thread;
    auto later = [](void*) -> void* {
        usleep(50000);
        use(1000);
        exit(0);
    };
    pthread_create(&thread, nullptr, later, nullptr);
    pthread_exit(nullptr);
}

}  // namespace

__attribute__((section(".preinit_array"), used)) void (*const preinit)(int, char**, char**) = first_calls;

int main(int count, char** arguments) {
    return check::run(count, arguments,
                      {{"malloc_first", go_on},
                       {"free_null_first", go_on},
                       {"usable_size_first", go_on},
                       {"realloc_first", go_on},
                       {"calloc_first", go_on},
                       {"aligned_first", go_on},
                       {"large_first", go_on},
                       {"huge_first", go_on},
                       {"trim_first", go_on},
                       {"mallinfo_first", go_on},
                       {"in_atexit_handlers", in_atexit_handlers},
                       {"threads_outlive_main", threads_outlive_main},
                       {"main_thread_ends_first", main_thread_ends_first}});
}
