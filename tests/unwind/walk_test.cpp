// SPDX-License-Identifier: MIT
// The walk over a stack against what the functions on it noted themselves.
#include "unwind/walk.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <memory>
#include <vector>

#include "chain.h"

namespace {

using namespace tarn::unwind;

// As a program that calls this at start, or too late: all libraries may then be unloaded.
const bool objects_noted = getenv("NOTE_OBJECTS") && (note_objects(), true);

struct Seen {
    uint64_t frames[kFramesMost];
    Walked walked;
    std::vector<uint64_t> list() const { return {frames, frames + walked.frames}; }
};

RowTable& rows() {
    static const auto table = std::make_unique<RowTable>();
    return *table;
}

[[gnu::noinline]] void look(Seen& seen, size_t most = kFramesMost) {
    static thread_local WalkRoom room;
    static thread_local Memory::Range own;
    room.rows = &rows();
    Registers registers;
    capture(registers);
    seen.walked = walk(room, own, registers, 0, seen.frames, nullptr, most);
}

[[gnu::noinline]] void look_from_chain(calls* calls) {
    calls->returns[calls->count++] = __builtin_return_address(0);
    look(*static_cast<Seen*>(calls->data));
    asm volatile("");
}

// Innermost first: as the walk finds them. The first of the walk is in look_from_chain itself.
std::vector<uint64_t> noted(const calls& calls) {
    std::vector<uint64_t> list;
    for (size_t i = calls.count; i > 0; --i)
        list.push_back(reinterpret_cast<uint64_t>(calls.returns[i - 1]));
    return list;
}

struct ChainRun {
    Seen seen{};
    calls noted_calls{};
    ChainRun(chain_function* chain, int depth) {
        noted_calls.look = look_from_chain;
        noted_calls.data = &seen;
        chain(&noted_calls, depth);
    }
    std::vector<uint64_t> noted() const { return ::noted(noted_calls); }
    std::vector<uint64_t> found() const {
        std::vector<uint64_t> list = seen.list();
        if (!list.empty()) list.erase(list.begin());
        return list;
    }
};

bool begins_with(const std::vector<uint64_t>& list, const std::vector<uint64_t>& with) {
    return list.size() >= with.size() && std::equal(with.begin(), with.end(), list.begin());
}

// How many of `list` are as in `right`, from the first on.
size_t common(const std::vector<uint64_t>& list, const std::vector<uint64_t>& right) {
    size_t count = 0;
    while (count < list.size() && count < right.size() && list[count] == right[count])
        ++count;
    return count;
}

class Chains : public testing::TestWithParam<chain_function*> {};

TEST_P(Chains, AreFoundWhole) {
    for (int depth = 0; depth < 30; ++depth) {
        const ChainRun run(GetParam(), depth);
        EXPECT_TRUE(begins_with(run.found(), run.noted()))
            << "depth " << depth << ": " << common(run.found(), run.noted()) << " of " << run.noted().size();
        EXPECT_FALSE(run.seen.walked.cut);
    }
}
INSTANTIATE_TEST_SUITE_P(All, Chains,
                         testing::Values(chain_plain, chain_framed, chain_both, chain_unoptimized));

TEST(Walk, WithoutFramePointersAndInformationIsCutShortNotWrong) {
    for (int depth = 0; depth < 30; ++depth) {
        const ChainRun run(chain_bare, depth);
        EXPECT_EQ(common(run.found(), run.noted()), run.found().size()) << "depth " << depth;
        EXPECT_TRUE(run.seen.walked.cut || begins_with(run.found(), run.noted()));
    }
}

TEST(Walk, StopsWhereThereIsNoMoreRoom) {
    Seen seen;
    look(seen, 2);
    EXPECT_EQ(seen.walked.frames, 2u);
    EXPECT_TRUE(seen.walked.cut);
}

// ---- libc's own frames --------------------------------------------------------------------------------------------

ChainRun* sorting = nullptr;
chain_function* sorting_chain = nullptr;
int compare(const void*, const void*) {
    if (!sorting) sorting = new ChainRun(sorting_chain, 5);
    asm volatile("");
    return 0;
}

class Callbacks : public testing::TestWithParam<chain_function*> {};

TEST_P(Callbacks, OfQsortAreFoundThroughLibc) {
    sorting_chain = GetParam();
    sorting = nullptr;
    int numbers[100] = {};
    qsort(numbers, 100, sizeof *numbers, compare);
    ASSERT_NE(sorting, nullptr);
    const std::unique_ptr<ChainRun> run(sorting);
    EXPECT_TRUE(begins_with(run->found(), run->noted()));
    EXPECT_FALSE(run->seen.walked.cut);
    EXPECT_GT(run->found().size(), run->noted().size() + 3);
}
INSTANTIATE_TEST_SUITE_P(All, Callbacks, testing::Values(chain_plain, chain_framed, chain_both));

// ---- signals ------------------------------------------------------------------------------------------------------

Seen at_signal;
uintptr_t interrupted_at;
void handler(int, siginfo_t*, void* context) {
#if defined(__x86_64__)
    interrupted_at = static_cast<uintptr_t>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#else
    interrupted_at = static_cast<ucontext_t*>(context)->uc_mcontext.pc;
#endif
    look(at_signal);
}

void handle(int signal, int flags) {
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    ASSERT_EQ(sigaction(signal, &action, nullptr), 0);
}

void raise_from_chain(calls* calls) {
    calls->returns[calls->count++] = __builtin_return_address(0);
    raise(SIGUSR1);
    asm volatile("");
}

void expect_signal_frame(const calls& calls) {
    const std::vector<uint64_t> found = at_signal.list(), right = noted(calls);
    size_t exact = found.size();
    for (size_t i = 0; i < found.size(); ++i)
        if (found[i] & kExact) exact = i;
    ASSERT_LT(exact, found.size()) << "no frame of a signal";
    EXPECT_EQ(found[exact] & ~kExact, interrupted_at);
    const auto first = std::find(found.begin() + static_cast<long>(exact), found.end(), right[0]);
    EXPECT_TRUE(begins_with({first, found.end()}, right));
    EXPECT_FALSE(at_signal.walked.cut);
}

class Signals : public testing::TestWithParam<chain_function*> {};

TEST_P(Signals, AreWalkedThrough) {
    handle(SIGUSR1, 0);
    calls calls{};
    calls.look = raise_from_chain;
    GetParam()(&calls, 7);
    expect_signal_frame(calls);
}
TEST_P(Signals, OnAStackOfTheirOwnAreWalkedThrough) {
    static char stack[65536];
    const stack_t own = {stack, 0, sizeof stack};
    ASSERT_EQ(sigaltstack(&own, nullptr), 0);
    handle(SIGUSR1, SA_ONSTACK);
    calls calls{};
    calls.look = raise_from_chain;
    GetParam()(&calls, 7);
    expect_signal_frame(calls);
    const stack_t none = {nullptr, SS_DISABLE, 0};
    sigaltstack(&none, nullptr);
}
INSTANTIATE_TEST_SUITE_P(All, Signals, testing::Values(chain_plain, chain_both));

void fault_from_chain(calls* calls) {
    calls->returns[calls->count++] = __builtin_return_address(0);
    asm volatile(
#if defined(__x86_64__)
        "ud2"
#else
        "udf #0"
#endif
    );
}
void handle_fault(int signal, siginfo_t* info, void* context) {
    handler(signal, info, context);
#if defined(__x86_64__)
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] += 2;
#else
    static_cast<ucontext_t*>(context)->uc_mcontext.pc += 4;
#endif
}
TEST(Walk, InstructionThatFaultedIsExact) {
    struct sigaction action {};
    action.sa_sigaction = handle_fault;
    action.sa_flags = SA_SIGINFO;
    ASSERT_EQ(sigaction(SIGILL, &action, nullptr), 0);
    calls calls{};
    calls.look = fault_from_chain;
    chain_plain(&calls, 4);
    expect_signal_frame(calls);
}

// ---- stacks of other kinds ----------------------------------------------------------------------------------------

TEST(Walk, OfAThreadWithTheSmallestStackEndsWhereItBegan) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    ASSERT_EQ(pthread_attr_setstacksize(&attributes, 16384 + 4096), 0);
    pthread_t thread;
    static Seen seen;
    seen = {};
    ASSERT_EQ(pthread_create(
                  &thread, &attributes,
                  [](void*) -> void* {
                      look(seen);
                      return nullptr;
                  },
                  nullptr),
              0);
    pthread_join(thread, nullptr);
    EXPECT_FALSE(seen.walked.cut);
    EXPECT_GE(seen.walked.frames, 2u);
}

ucontext_t main_context, fiber_context;
ChainRun* in_fiber;
void run_fiber() {
    in_fiber = new ChainRun(chain_plain, 6);
}

TEST(Walk, OfAFiberEndsWhereItBegan) {
    std::vector<char> stack(256 << 10);
    getcontext(&fiber_context);
    fiber_context.uc_stack.ss_sp = stack.data();
    fiber_context.uc_stack.ss_size = stack.size();
    fiber_context.uc_link = &main_context;
    makecontext(&fiber_context, run_fiber, 0);
    swapcontext(&main_context, &fiber_context);
    const std::unique_ptr<ChainRun> run(in_fiber);
    EXPECT_TRUE(begins_with(run->found(), run->noted()));
    EXPECT_FALSE(run->seen.walked.cut);
    EXPECT_LE(run->found().size(), run->noted().size() + 2);
}

#if defined(__x86_64__)
// A fiber as coroutine libraries make them: nothing says where its stack ends, and what is behind it is somebody else's.
extern "C" void switch_to(void* top, void (*function)());
asm(".text\n.globl switch_to\nswitch_to:\n\tpushq %rbp\n\tpushq %rbx\n\tmovq %rsp, %rbx\n\tmovq %rdi, "
    "%rsp\n\t"
    "xorl %ebp, %ebp\n\tcallq *%rsi\n\tmovq %rbx, %rsp\n\tpopq %rbx\n\tpopq %rbp\n\tret\n");

TEST(Walk, OfAFiberWithoutInformationDoesNotLeaveItsStack) {
    for (const uint64_t filling :
         {uint64_t{0}, ~uint64_t{0}, uint64_t{0x4141414141414141}, reinterpret_cast<uint64_t>(&qsort)}) {
        constexpr size_t kBytes = 256 << 10;
        char* const stack = static_cast<char*>(
            mmap(nullptr, kBytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        ASSERT_EQ(mprotect(stack + kBytes, 4096, PROT_NONE), 0);
        std::fill_n(reinterpret_cast<uint64_t*>(stack), kBytes / 8, filling);
        switch_to(stack + kBytes - 64, run_fiber);
        const std::unique_ptr<ChainRun> run(in_fiber);
        EXPECT_TRUE(begins_with(run->found(), run->noted()));
        EXPECT_LE(run->found().size(), run->noted().size() + 3);
        munmap(stack, kBytes + 4096);
    }
}
#endif

}  // namespace
