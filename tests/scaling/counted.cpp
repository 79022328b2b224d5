// SPDX-License-Identifier: MIT
#include "counted.h"

#include "cache/thread_cache.h"
#include "heap/orphans.h"
#include "pages/supply.h"
#include "seam/host.h"

// The allocator without the module: nothing is recorded here.
const tarn::Recorder* tarn_recorder_entry(const tarn::Host&) {
    return nullptr;
}

namespace counted {

thread_local constinit Counts counts;

Counts& Counts::operator+=(const Counts& more) {
    operations += more.operations;
    run_holds += more.run_holds;
    run_waits += more.run_waits;
    orphan_holds += more.orphan_holds;
    shared += more.shared;
    own += more.own;
    return *this;
}

Counts Counts::operator-(const Counts& before) const {
    return {operations - before.operations,     run_holds - before.run_holds, run_waits - before.run_waits,
            orphan_holds - before.orphan_holds, shared - before.shared,       own - before.own};
}

namespace {

thread_local constinit bool refused = false;  // the run lock, since this thread had it last

void count_change(const volatile void* at) {
    ++(at == &tarn::current_cache->heap.door().lock ? counts.own : counts.shared);
}

// A lock is taken by the step from 0 to the thread's address (os/lock.h); the other steps leave it with its holder.
void count_step(const volatile void* at, bool from_zero, bool done) {
    count_change(at);
    if (at == &tarn::orphans.lock) {
        counts.orphan_holds += from_zero && done;
    } else if (at == &tarn::supply.lock) {
        if (!done) {
            refused = true;
        } else if (from_zero) {
            ++counts.run_holds;
            counts.run_waits += refused;
            refused = false;
        }
    }
}

template <class Word>
bool compare_exchange(volatile void* at, Word* expected, Word wanted) {
    const bool from_zero = *expected == 0;
    const bool done = __atomic_compare_exchange_n(static_cast<volatile Word*>(at), expected, wanted, false,
                                                  __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    count_step(at, from_zero, done);
    return done;
}

}  // namespace

}  // namespace counted

// The interface of the instrumentation, as far as g++ and clang use it here; all orders are the strongest.
#define TARN_ATOMICS(BITS, WORD)                                                                     \
    extern "C" WORD __tsan_atomic##BITS##_load(const volatile WORD* at, int) {                       \
        return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                                \
    }                                                                                                \
    extern "C" void __tsan_atomic##BITS##_store(volatile WORD* at, WORD value, int) {                \
        __atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                               \
    }                                                                                                \
    extern "C" WORD __tsan_atomic##BITS##_exchange(volatile WORD* at, WORD value, int) {             \
        counted::count_change(at);                                                                   \
        return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);                                     \
    }                                                                                                \
    extern "C" WORD __tsan_atomic##BITS##_fetch_add(volatile WORD* at, WORD value, int) {            \
        counted::count_change(at);                                                                   \
        return __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);                                      \
    }                                                                                                \
    extern "C" WORD __tsan_atomic##BITS##_fetch_sub(volatile WORD* at, WORD value, int) {            \
        counted::count_change(at);                                                                   \
        return __atomic_fetch_sub(at, value, __ATOMIC_SEQ_CST);                                      \
    }                                                                                                \
    extern "C" WORD __tsan_atomic##BITS##_fetch_or(volatile WORD* at, WORD value, int) {             \
        counted::count_change(at);                                                                   \
        return __atomic_fetch_or(at, value, __ATOMIC_SEQ_CST);                                       \
    }                                                                                                \
    extern "C" WORD __tsan_atomic##BITS##_fetch_and(volatile WORD* at, WORD value, int) {            \
        counted::count_change(at);                                                                   \
        return __atomic_fetch_and(at, value, __ATOMIC_SEQ_CST);                                      \
    }                                                                                                \
    extern "C" bool __tsan_atomic##BITS##_compare_exchange_strong(volatile WORD* at, WORD* expected, \
                                                                  WORD wanted, int, int) {           \
        return counted::compare_exchange(at, expected, wanted);                                      \
    }                                                                                                \
    extern "C" bool __tsan_atomic##BITS##_compare_exchange_weak(volatile WORD* at, WORD* expected,   \
                                                                WORD wanted, int, int) {             \
        return counted::compare_exchange(at, expected, wanted);                                      \
    }
TARN_ATOMICS(8, uint8_t)
TARN_ATOMICS(16, uint16_t)
TARN_ATOMICS(32, uint32_t)
TARN_ATOMICS(64, uint64_t)

extern "C" {
void __tsan_init() {}
void __tsan_atomic_thread_fence(int) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
void __tsan_atomic_signal_fence(int) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_read1(void*) {}
void __tsan_read2(void*) {}
void __tsan_read4(void*) {}
void __tsan_read8(void*) {}
void __tsan_read16(void*) {}
void __tsan_write1(void*) {}
void __tsan_write2(void*) {}
void __tsan_write4(void*) {}
void __tsan_write8(void*) {}
void __tsan_write16(void*) {}
void __tsan_unaligned_read16(void*) {}
void __tsan_unaligned_write16(void*) {}
void __tsan_read_range(void*, unsigned long) {}
void __tsan_write_range(void*, unsigned long) {}
}
