// SPDX-License-Identifier: MIT
// Random programs under the hardened mode, each in a child of its own: some correct work, one misuse that the program knows of, more work, and the
// end. Each misuse must end the child as its kind does; a program without one must come to its end.
//
// usage: hardened_random FIRST_SEED PROGRAMS
#include <malloc.h>
#include <signal.h>
#include <sys/wait.h>

#include <new>

#include "check.h"
#include "process.h"
#include "surface.h"

namespace {

using check::opaque;

enum class Made { kMalloc, kNew, kNewArray };
struct Object {
    char* at = nullptr;
    size_t size = 0;
    Made made = Made::kMalloc;
    char filled = 0;
};

constexpr size_t kObjects = 64;
constexpr size_t kLargestSmall = 32768;

struct Program {
    process::Random random;
    Object objects[kObjects];

    size_t any_size() {
        switch (random.below(10)) {
            case 0:
                return 1 + random.below(16);
            case 1:
                return 1 + random.below(kLargestSmall);
            case 2:
                return kLargestSmall + 1 + random.below(200000);
            default:
                return 1 + random.below(1200);
        }
    }
    void make(Object& object, size_t size) {
        object.size = size;
        object.made = static_cast<Made>(random.below(3));
        if (object.made == Made::kNew) object.at = static_cast<char*>(::operator new(size));
        if (object.made == Made::kNewArray) object.at = static_cast<char*>(::operator new[](size));
        if (object.made == Made::kMalloc) {
            const size_t alignment = size_t{16} << random.below(9);
            object.at = static_cast<char*>(random.one_in(8)   ? aligned_alloc(alignment, size)
                                           : random.one_in(4) ? calloc(1, size)
                                                              : malloc(size));
        }
        for (size_t i = 0; i < size; i += 1 + size / 8)
            check::require(object.at[i] == 0, "it is zero");
        object.filled = static_cast<char>(1 + random.below(100));
        memset(object.at, object.filled, size);
    }
    static void release(const Object& object, Made made) {
        if (made == Made::kNew) return ::operator delete(object.at);
        if (made == Made::kNewArray) return ::operator delete[](object.at);
        free(object.at);
    }
    void release(Object& object) {
        if (!object.at) return;
        for (size_t i = 0; i < object.size; i += 1 + object.size / 16)
            check::require(object.at[i] == object.filled, "it keeps what was written");
        release(object, object.made);
        object = {};
    }
    void work(size_t steps) {
        for (; steps > 0; --steps) {
            Object& object = objects[random.below(kObjects)];
            if (object.at && object.made == Made::kMalloc && random.one_in(4)) {
                const size_t size = any_size(), same = size < object.size ? size : object.size;
                object.at = static_cast<char*>(realloc(object.at, size));
                for (size_t i = 0; i < same; i += 1 + same / 16)
                    check::require(object.at[i] == object.filled, "realloc keeps what was written");
                memset(object.at, object.filled, size);
                object.size = size;
            } else if (object.at) {
                release(object);
            } else {
                make(object, any_size());
            }
        }
    }
    void end() {
        for (Object& object : objects)
            release(object);
    }
    // One that is made for it, and no longer among the others.
    Object victim(size_t size) {
        Object object;
        make(object, size);
        return object;
    }
    size_t small_size() { return 1 + random.below(random.one_in(4) ? kLargestSmall : 1000); }
    // What no seal has, nor cleared memory.
    char odd_byte() { return static_cast<char>((1 + random.below(127)) | (random.one_in(2) ? 0x81 : 0)); }
};

void double_free(Program& program) {
    const Object object = program.victim(program.any_size());
    Program::release(object, object.made);
    if (program.random.one_in(2) && object.size <= kLargestSmall)
        memset(opaque(object.at), 0x41, object.size);
    program.work(program.random.below(30));
    Program::release(object, object.made);
}
void inside(Program& program) {
    const Object object = program.victim(2 + program.any_size());
    free(opaque(object.at) + 1 + program.random.below(object.size - 1));
}
void past_the_end(Program& program) {
    Object object = program.victim(program.any_size());
    opaque(object.at)[object.size + program.random.below(8)] = program.odd_byte();
    program.work(program.random.below(60));
    Program::release(object, object.made);
}
void before_the_begin(Program& program) {
    Object object = program.victim(program.any_size());
    opaque(object.at)[-1 - static_cast<ptrdiff_t>(program.random.below(8))] = program.odd_byte();
    program.work(program.random.below(60));
    Program::release(object, object.made);
}
void after_free(Program& program) {
    const Object object = program.victim(program.any_size());
    Program::release(object, object.made);
    opaque(object.at)[program.random.below(object.size)] = static_cast<char>(1 + program.random.below(255));
}
void wrong_form(Program& program) {
    const Object object = program.victim(program.any_size());
    Program::release(
        object, static_cast<Made>((static_cast<unsigned>(object.made) + 1 + program.random.below(2)) % 3));
}
void wrong_size(Program& program) {
    Object object = program.victim(program.any_size());
    const size_t wrong = object.size + 1 + program.random.below(1000);
    if (object.made == Made::kNew)
        ::operator delete(object.at, wrong);
    else if (object.made == Made::kNewArray)
        ::operator delete[](object.at, wrong);
    else
        free_sized(object.at, wrong);
}
void of_nothing(Program& program) {
    char* const nothing = static_cast<char*>(opaque(malloc(0)));
    program.work(program.random.below(20));
    if (program.random.one_in(2))
        *const_cast<volatile char*>(nothing) = 1;
    else
        opaque(*const_cast<const volatile char*>(nothing));
}
void no_pointer(Program& program) {
    static char data[4096];
    char local[4096];
    free(opaque(program.random.one_in(2) ? data : local) + program.random.below(4096));
}
void none(Program& program) {
    program.work(100);
}

constexpr void (*kMisuses[])(Program&) = {double_free, inside,     past_the_end, before_the_begin, after_free,
                                          wrong_form,  wrong_size, of_nothing,   no_pointer,       none};
constexpr const char* kNames[] = {
    "double free", "free inside", "write past the end", "write before the begin", "write after free",
    "wrong form",  "wrong size",  "touch of malloc(0)", "free of no pointer",     "none"};
constexpr size_t kKinds = sizeof kMisuses / sizeof *kMisuses;

[[noreturn]] void live(uint64_t seed, size_t kind) {
    Program program{{seed * 0x9e3779b97f4a7c15 | 1}, {}};
    program.work(program.random.below(150));
    kMisuses[kind](program);
    program.work(program.random.below(150));
    program.end();
    exit(0);
}

// What may be the end of a child of this kind.
bool is_end(size_t kind, int status, const char* text) {
    const bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    const bool faulted = WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
    const bool ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    const auto says = [&](const char* words) {
        return aborted && strncmp(text, "tarn: ", 6) == 0 && strncmp(text + 6, words, strlen(words)) == 0;
    };
    switch (kind) {
        case 0:
            return says("double free") || says("w");
        case 1:
            return says("pointer into an object") || says("pointer never handed out");
        case 2:
            return says("write past the end") || says("write before the begin") || (faulted && !*text);
        case 3:
            return says("write") || (faulted && !*text);
        case 4:
            return says("write") || (faulted && !*text);
        case 5:
            return says("wrong form of free");
        case 6:
            return says("wrong size");
        case 7:
            return faulted && !*text;
        case 8:
            return says("pointer never handed out");
        default:
            return ended && !*text;
    }
}

}  // namespace

int main(int count, char** arguments) {
    const uint64_t first = count > 1 ? strtoul(arguments[1], nullptr, 10) : 1;
    const uint64_t programs = count > 2 ? strtoul(arguments[2], nullptr, 10) : 1000;
    surface::need(free_sized != nullptr, "free_sized");
    uint64_t missed[kKinds] = {}, of_kind[kKinds] = {};
    for (uint64_t seed = first; seed < first + programs; ++seed) {
        const size_t kind = seed % kKinds;
        int ends[2];
        check::require(pipe(ends) == 0, "a pipe");
        fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            dup2(ends[1], 2);
            close(ends[0]);
            close(ends[1]);
            live(seed, kind);
        }
        close(ends[1]);
        char text[512] = {};
        size_t length = 0;
        for (ssize_t got; (got = read(ends[0], text + length, sizeof text - 1 - length)) > 0;)
            length += static_cast<size_t>(got);
        close(ends[0]);
        int status = 0;
        check::require(waitpid(child, &status, 0) == child, "the child ends");
        ++of_kind[kind];
        if (is_end(kind, status, text)) continue;
        ++missed[kind];
        printf("seed %lu, %s: status %x: %s\n", static_cast<unsigned long>(seed), kNames[kind],
               static_cast<unsigned>(status), text);
    }
    uint64_t all = 0;
    for (size_t kind = 0; kind < kKinds; ++kind) {
        printf("%-24s %lu of %lu\n", kNames[kind], static_cast<unsigned long>(of_kind[kind] - missed[kind]),
               static_cast<unsigned long>(of_kind[kind]));
        all += missed[kind];
    }
    return all > 0;
}
