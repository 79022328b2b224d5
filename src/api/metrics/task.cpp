// SPDX-License-Identifier: MIT
// Tasks of metrics.h: sums of scopes, whole and by thread. One lock, held for a walk over the threads.
#include <errno.h>

#include <new>

#include "api/metrics/metrics.h"
#include "entry/entry.h"
#include "os/lock.h"

namespace {

using tarn::add_counts;
using tarn::Guard;
using tarn::invalid_argument;

struct Member {
    uint64_t thread;
    Member* next;
    tarn_metrics sum;
};

tarn_metrics nothing() {
    tarn_metrics none{};
    none.version = TARN_METRICS_VERSION;
    return none;
}

// What `live` bytes were below a peak that began upon them.
uint64_t upon(int64_t live, uint64_t peak) {
    const int64_t sum = live + static_cast<int64_t>(peak);
    return sum > 0 ? static_cast<uint64_t>(sum) : 0;
}

void raise(uint64_t& highest, uint64_t value) {
    if (value > highest) highest = value;
}

void add_scope(tarn_metrics& sum, const tarn_metrics& scope) {
    raise(sum.peak_bytes, upon(sum.live_bytes, scope.peak_bytes));
    raise(sum.peak_bytes_most, upon(sum.live_bytes, scope.peak_bytes_most));
    add_counts(sum, scope);
}

}  // namespace

struct tarn_metrics_task {
    tarn::Lock lock;
    tarn_metrics sum = nothing();  // peak_bytes_most: of scopes that count for no thread
    Member* first = nullptr;
    Member* last = nullptr;

    Member* find(uint64_t thread) {
        for (Member* member = first; member; member = member->next)
            if (member->thread == thread) return member;
        return nullptr;
    }
    void append(Member* member) {
        (last ? last->next : first) = member;
        last = member;
        ++sum.threads;
    }
};

tarn_metrics_task* tarn_metrics_task_create() {
    void* memory = tarn::allocate(sizeof(tarn_metrics_task));
    return memory ? new (memory) tarn_metrics_task : nullptr;
}

void tarn_metrics_task_destroy(tarn_metrics_task* task) {
    if (!task) return;
    for (Member* member = task->first; member;) {
        Member* const next = member->next;
        tarn::release(member);
        member = next;
    }
    tarn::release(task);
}

int tarn_metrics_task_enter(tarn_metrics_task* task, tarn_metrics_scope* scope, enum tarn_metrics_mode mode) {
    return task ? tarn_metrics_begin(scope, mode) : invalid_argument();
}

namespace {

bool known(tarn_metrics_task& task, uint64_t thread) {
    Guard guard(task.lock);
    return task.find(thread) != nullptr;
}

Member* make_member(uint64_t thread) {
    void* memory = tarn::allocate(sizeof(Member));
    if (!memory) return nullptr;
    auto* const member = new (memory) Member{thread, nullptr, nothing()};
    member->sum.threads = 1;
    return member;
}

}  // namespace

int tarn_metrics_task_leave(tarn_metrics_task* task, tarn_metrics_scope* scope) {
    tarn_metrics measured;
    if (!task || !scope || !tarn::measure_scope(*scope, measured)) return invalid_argument();
    const uint64_t thread = tarn::scope_thread();
    tarn::end_scope(*scope);
    // Nobody else adds this thread.
    Member* const fresh = known(*task, thread) ? nullptr : make_member(thread);
    Guard guard(task->lock);
    if (fresh) task->append(fresh);
    Member* const member = fresh ? fresh : task->find(thread);
    const uint64_t reached = upon(task->sum.live_bytes, measured.peak_bytes);
    raise(task->sum.peak_bytes, reached);
    add_counts(task->sum, measured);
    if (member) {
        add_scope(member->sum, measured);
        return 0;
    }
    task->sum.peak_bytes_most += measured.peak_bytes_most;
    errno = ENOMEM;
    return -1;
}

int tarn_metrics_task_read(tarn_metrics_task* task, tarn_metrics* result, size_t size) {
    if (!task || tarn::check_target(result, size) < 0) return invalid_argument();
    tarn_metrics sum;
    {
        Guard guard(task->lock);
        sum = task->sum;
        for (const Member* member = task->first; member; member = member->next)
            sum.peak_bytes_most += member->sum.peak_bytes_most;
    }
    tarn::copy_out(sum, result, size);
    return 0;
}

int tarn_metrics_task_read_thread(tarn_metrics_task* task, uint32_t number, uint64_t* thread,
                                  tarn_metrics* result, size_t size) {
    if (!task || tarn::check_target(result, size) < 0) return invalid_argument();
    tarn_metrics sum;
    {
        Guard guard(task->lock);
        const Member* member = task->first;
        while (member && number > 0)
            member = member->next, --number;
        if (!member) return invalid_argument();
        sum = member->sum;
        if (thread) *thread = member->thread;
    }
    tarn::copy_out(sum, result, size);
    return 0;
}
