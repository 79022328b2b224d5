// SPDX-License-Identifier: MIT
// What a walk over a stack reads, some of which may not be there. Three kinds of memory:
//   stack    of the running thread, from its stack pointer up. The kernel is asked about each page once, and of the thread's own
//            stack it is remembered: that stays as long as the thread does.
//   object   of a library that stays; read as it is.
//   other    the kernel copies it: a register that leads astray, or a library that goes at this moment, ends the walk and not
//            the process.
// Allocates nothing, locks nothing.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tarn::unwind {

class Memory {
  public:
    struct Range {
        uintptr_t begin = 0, end = 0;
        bool has(uintptr_t at, size_t bytes) const { return at >= begin && at < end && bytes <= end - at; }
    };
    // A walk begins, of the running thread, with this stack pointer. `own`: what is known of the thread's own stack, up to
    // where it began.
    void begin(uintptr_t stack_pointer, Range& own);
    // The stack goes on elsewhere: a signal handler's ended.
    void go_on(uintptr_t stack_pointer);
    // The object whose tables are read now, if it stays.
    void set_object(uintptr_t begin, uintptr_t end) { object_ = {begin, end}; }

    // Known to be there.
    bool on_stack(uintptr_t at, size_t bytes) const { return stack_.has(at, bytes); }
    // False: not there.
    template <class T>
    [[nodiscard]] bool read(uintptr_t at, T& value) {
        if (stack_.has(at, sizeof(T)) || object_.has(at, sizeof(T)) || extend(at, sizeof(T))) [[likely]] {
            memcpy(&value, reinterpret_cast<const void*>(at), sizeof(T));
            return true;
        }
        return copy(at, &value, sizeof(T));
    }

  private:
    bool extend(uintptr_t at, size_t bytes);
    bool copy(uintptr_t at, void* to, size_t bytes);
    static void learn_own(uintptr_t page, Range& own);

    Range own_;    // the thread's
    Range stack_;  // what is known of the one that it is on
    Range object_;
    static constexpr size_t kChunk = 256;
    uintptr_t chunk_at_;  // 0: none
    char chunk_[kChunk];  // what was copied last
};

}  // namespace tarn::unwind
