// SPDX-License-Identifier: MIT
#include "record/recorder.h"

#include "os/os.h"
#include "os/shared_file.h"
#include "record/events.h"
#include "record/file/file.h"
#include "record/guarding.h"
#include "record/modules.h"
#include "record/record.h"
#include "record/sampler.h"
#include "record/watch.h"

namespace tarn::record {

namespace {

// Which limit of the process, if any, is in the way of so many bytes more.
const char* limit_met(size_t size) {
    const os::Use use = os::use();
    const auto met = [size](uint64_t used, uint64_t limit) {
        return limit != UINT64_MAX && (used > limit || size > limit - used);
    };
    if (met(use.address_space, os::address_space_limit())) return "address space (RLIMIT_AS)";
    if (met(use.data, os::data_limit())) return "data (RLIMIT_DATA)";
    return nullptr;
}

void out_of_memory(size_t size, size_t alignment) {
    if (!ensure_begun()) return;
    if (const char* const limit = limit_met(size)) event(TARN_RECORD_EVENT_LIMIT, size, 0, limit);
    event(TARN_RECORD_EVENT_OUT_OF_MEMORY, size, alignment, "", sampler() ? sampler()->stack_here() : 0);
    publish_now();
}

void misuse(const void* pointer, const char* message) {
    if (!ensure_begun()) return;
    event(TARN_RECORD_EVENT_MISUSE, reinterpret_cast<uintptr_t>(pointer), 0, message,
          sampler() ? sampler()->stack_here() : 0);
    publish_now();
}

void trimmed(size_t bytes) {
    event(TARN_RECORD_EVENT_TRIM, bytes);
}

void sample_freed(const void* object) {
    if (sampler()) sampler()->freed(object);
}

bool sees_all() {
    return (sampler() && sampler()->sees_all()) || (guarding() && guarding()->sees_all());
}

void arrived(ThreadCache& cache) {
    watch_thread(cache);
    if (guarding()) guarding()->arrived(cache);
}

void after_fork_child() {
    forked();
    if (guarding()) guarding()->after_fork_child();
}

void objects_changed() {
    look_for_modules();
    if (guarding()) guarding()->objects_changed();
}

Recorder::GuardedFree guarded_free(void* pointer) {
    return guarding() ? guarding()->free(pointer) : Recorder::GuardedFree{false, 0};
}

size_t guarded_size(const void* pointer) {
    return guarding() ? guarding()->size(pointer) : 0;
}

void guard_due(ThreadCache& cache) {
    if (guarding()) guarding()->due(cache);
}

int active() {
    return ensure_begun();
}

const char* path() {
    return ensure_begun() ? file_path() : "";
}

void phase(const char* name) {
    if (!name || !ensure_begun()) return;
    event(TARN_RECORD_EVENT_PHASE, 0, 0, name);
    publish_now();
}

int snapshot_now(const char* name) {
    if (!ensure_begun()) return -1;
    publish_now();
    if (name) event(TARN_RECORD_EVENT_SNAPSHOT, 0, 0, name);
    return 0;
}

int start_sampling(size_t interval) {
    if (!sampler() || !ensure_begun()) return -1;
    sampler()->start(interval ? interval : kIntervalDefault);
    return 0;
}

int stop_sampling() {
    if (!sampler() || !ensure_begun()) return -1;
    sampler()->stop();
    return 0;
}

tarn_scope begin_scope(const char* name) {
    return sampler() ? sampler()->begin_scope(name) : tarn_scope{};
}

void end_scope(tarn_scope scope) {
    if (sampler()) sampler()->end_scope(scope);
}

int register_frames(const tarn_frames_provider& provider) {
    return sampler() ? sampler()->register_frames(provider) : -1;
}

constexpr Recorder kTable = {
    .version = kRecorderVersion,
    .thread_arrived = arrived,
    .after_fork_child = after_fork_child,
    .process_ends = end,
    .objects_changed = objects_changed,
    .out_of_memory = out_of_memory,
    .misuse = misuse,
    .trimmed = trimmed,
    .sample_freed = sample_freed,
    .guarded_free = guarded_free,
    .guarded_size = guarded_size,
    .guard_due = guard_due,
    .sees_all = sees_all,
    .active = active,
    .path = path,
    .phase = phase,
    .snapshot_now = snapshot_now,
    .start_sampling = start_sampling,
    .stop_sampling = stop_sampling,
    .begin_scope = begin_scope,
    .end_scope = end_scope,
    .register_frames = register_frames,
};

}  // namespace

const Recorder* begin_recorder(const Host& host) {
    if (host.version != kHostVersion) return nullptr;
    state.host = &host;
    if (host.options->records()) begin(host);
    if (guarding()) guarding()->begin();
    return &kTable;
}

}  // namespace tarn::record
