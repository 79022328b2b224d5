// SPDX-License-Identifier: MIT
#include "unwind/memory.h"

#include <algorithm>

#include "os/os.h"
#include "os/thread_pointer.h"

// Where the first thread's stack began; the dynamic linker's, or the static program's.
extern "C" [[gnu::weak]] void* __libc_stack_end;

namespace tarn::unwind {

namespace {

constexpr uintptr_t kPage = 4096;
constexpr uintptr_t kAskedMost = 256;  // pages at once
constexpr uintptr_t kFirstReach = uintptr_t{64}
                                  << 20;  // nothing else is mapped so near below the first thread's stack

uintptr_t page_of(uintptr_t at) {
    return at & ~(kPage - 1);
}

bool may_read(uintptr_t page) {
    return page && os::may_read(reinterpret_cast<const void*>(page));
}
bool may_read_all(uintptr_t page, uintptr_t end) {
    if (end - page > kAskedMost * kPage) return false;
    for (; page < end; page += kPage)
        if (!may_read(page)) return false;
    return true;
}

// Where this thread's stack began, if the stack pointer is on it: libc has the thread's control block above it.
uintptr_t stack_begin(uintptr_t stack_pointer) {
    const uintptr_t first = &__libc_stack_end ? reinterpret_cast<uintptr_t>(__libc_stack_end) : 0;
    if (first > stack_pointer && first - stack_pointer < kFirstReach) return first;
    const uintptr_t control = thread_pointer();
    return control > stack_pointer ? control : 0;
}

}  // namespace

void Memory::learn_own(uintptr_t page, Range& own) {
    if (own.begin <= page && page < own.end) return;
    if (page < own.begin) {  // it has grown
        if (may_read_all(page, own.begin)) own.begin = page;
        return;
    }
    const uintptr_t begin = stack_begin(page);
    const uintptr_t end = begin ? page_of(begin) + kPage : 0;
    // There is a page without access below every thread's stack, so this is no other one.
    if (end > page && may_read_all(page, end)) own = {page, end};
}

void Memory::begin(uintptr_t stack_pointer, Range& own) {
    chunk_at_ = 0;
    object_ = {};
    learn_own(page_of(stack_pointer), own);
    own_ = own;
    go_on(stack_pointer);
}

void Memory::go_on(uintptr_t stack_pointer) {
    const uintptr_t page = page_of(stack_pointer);
    if (page >= own_.begin && page < own_.end)
        stack_ = own_;
    else
        stack_ = may_read(page) ? Range{page, page + kPage} : Range{};
}

bool Memory::extend(uintptr_t at, size_t bytes) {
    const uintptr_t last = at + bytes;
    if (at < stack_.begin || last < stack_.end || last - stack_.end > kAskedMost * kPage) return false;
    const uintptr_t end = page_of(last - 1) + kPage;
    if (!may_read_all(stack_.end, end)) return false;
    stack_.end = end;
    return true;
}

bool Memory::copy(uintptr_t at, void* to, size_t bytes) {
    if (chunk_at_ == 0 || at < chunk_at_ || at - chunk_at_ > kChunk - bytes) {
        const uintptr_t begin = at & ~uintptr_t{63};
        chunk_at_ = 0;
        // It may end on a page that is not there.
        const uintptr_t whole = std::min(begin + kChunk, page_of(at) + kPage) - begin;
        const bool crosses = at + bytes > begin + whole;
        if (crosses) return os::copy_from(reinterpret_cast<const void*>(at), to, bytes);
        if (!os::copy_from(reinterpret_cast<const void*>(begin), chunk_, whole)) return false;
        if (whole < kChunk) {
            memcpy(to, chunk_ + (at - begin), bytes);
            return true;
        }
        chunk_at_ = begin;
    }
    memcpy(to, chunk_ + (at - chunk_at_), bytes);
    return true;
}

}  // namespace tarn::unwind
