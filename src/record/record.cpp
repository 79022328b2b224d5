// SPDX-License-Identifier: MIT
#include "record/record.h"

#include <errno.h>

#include <new>

#include "base/message.h"
#include "base/output.h"
#include "base/text.h"
#include "os/os.h"
#include "os/shared_file.h"
#include "record/events.h"
#include "record/file/extent.h"
#include "record/file/file.h"
#include "record/file/who.h"
#include "record/modules.h"
#include "record/publish.h"
#include "record/sampler.h"
#include "record/watch.h"
#include "record/writing.h"

namespace tarn::record {

constinit State state;
thread_local constinit int writing __attribute__((tls_model("initial-exec"))) = 0;
constinit std::atomic<uintptr_t> interrupted_writer{0};

namespace {

constexpr uint64_t kModules = 4096, kEvents = 512;
constexpr uint64_t kStacks = 1 << 15, kFrames = 1 << 20, kSamples = 1 << 18, kNameBytes = 1 << 20,
                   kInterpreters = 8;
constexpr size_t kLimitShare = 16;  // of a limit on address space (RLIMIT_AS): what the mapping may take

struct Part {
    tarn_record_section_kind kind;
    size_t entry_size;
    uint64_t capacity;
    Extent* extent;  // the first of `extents`
    int extents;     // 2: one for each entry
};

// In the order of the file; what profiles need last.
constexpr Part kParts[] = {
    {TARN_RECORD_WHO, sizeof(tarn_record_who), 1, &state.front, 1},
    {TARN_RECORD_SNAPSHOT, sizeof(tarn_record_snapshot), 2, &state.snapshots, 1},
    {TARN_RECORD_TIMELINE, sizeof(tarn_record_timeline), 2, state.timelines, 2},
    {TARN_RECORD_EVENTS, sizeof(tarn_record_event), kEvents, &state.events, 1},
    {TARN_RECORD_MODULES, sizeof(tarn_record_module), kModules, &state.modules, 1},
    {TARN_RECORD_STACKS, sizeof(tarn_record_stack), kStacks, &state.stacks, 1},
    {TARN_RECORD_FRAMES, sizeof(uint64_t), kFrames, &state.frames, 1},
    {TARN_RECORD_SAMPLES, sizeof(tarn_record_sample), kSamples, &state.samples, 1},
    {TARN_RECORD_NAMES, 1, kNameBytes, &state.names, 1},
    {TARN_RECORD_INTERPRETERS, sizeof(tarn_record_interpreter), kInterpreters, &state.interpreters, 1},
};
constexpr int kPartCount = sizeof kParts / sizeof kParts[0];
constexpr int kWithoutProfile = 5;
static_assert(kPartCount <= TARN_RECORD_SECTIONS_MAX);

// Who lies behind the header, in the same extent; all others begin on a page.
constexpr size_t kWhoOffset = (sizeof(tarn_record_header) + 63) / 64 * 64;

struct Layout {
    int parts;
    uint64_t bytes;
};

size_t bytes_of(const Part& part, size_t page) {
    if (part.kind == TARN_RECORD_WHO) return rounded_up(kWhoOffset + part.entry_size, page);
    if (part.extents == 2) return 2 * rounded_up(part.entry_size, page);
    return rounded_up(part.entry_size * part.capacity, page);
}

Layout layout() {
    const size_t page = os::page_size();
    Layout all{kPartCount, 0};
    for (const Part& part : kParts)
        all.bytes += bytes_of(part, page);
    if (all.bytes < os::address_space_limit() / kLimitShare) return all;
    all = {kWithoutProfile, 0};
    for (int i = 0; i < kWithoutProfile; ++i)
        all.bytes += bytes_of(kParts[i], page);
    return all;
}

void lay_out(char* at, const Layout& wanted) {
    const size_t page = os::page_size();
    uint64_t offset = 0;
    for (int i = 0; i < kPartCount; ++i) {
        const Part& part = kParts[i];
        const size_t bytes = i < wanted.parts ? bytes_of(part, page) : 0;
        for (int each = 0; each < part.extents; ++each)
            part.extent[each].lay(at + offset + each * (bytes / 2), bytes / static_cast<size_t>(part.extents),
                                  offset + static_cast<uint64_t>(each) * (bytes / 2));
        offset += bytes;
    }
}

void describe(tarn_record_header& header, const Layout& wanted) {
    const size_t page = os::page_size();
    for (int i = 0; i < wanted.parts; ++i) {
        const Part& part = kParts[i];
        const uint64_t begin = static_cast<uint64_t>(part.extent->begin() - reinterpret_cast<char*>(&header));
        header.sections[i] = {.kind = part.kind,
                              .entry_size = static_cast<uint32_t>(
                                  part.extents == 2 ? rounded_up(part.entry_size, page) : part.entry_size),
                              .offset = part.kind == TARN_RECORD_WHO ? kWhoOffset : begin,
                              .capacity = part.capacity,
                              .count = 0,
                              .dropped = 0};
    }
}

// One line, in the first process alone: its children would say the same again. The program runs on.
void say(const char* what, const File& file) {
    static constinit std::atomic<bool> saying{false};
    alignas(Text) static constinit char room[sizeof(Text)] = {};  // there may be little stack
    if (state.in_child || saying.exchange(true, std::memory_order_acquire)) return;
    Output output(2);
    Text& text = *new (room) Text(output);
    text.add("tarn: nothing is recorded");
    if (*file_path()) text.add(" to ").add(file_path());
    text.add(": ").add(what);
    if (file.error) {
        const char* const words = words_for(file.error);
        text.add(": ");
        words ? text.add(words) : text.add("error ").decimal(static_cast<uint64_t>(file.error));
    }
    text.add('\n');
    text.~Text();
    saying.store(false, std::memory_order_release);
}

// The file and its mapping, with memory for what every record has. NULL, and one line, when that cannot be had.
tarn_record_header* make(const Layout& wanted) {
    const Options& options = *state.host->options;
    const char* const pattern = options.record ? options.record : "1";
    File file = make_file(pattern, program_name(), wanted.bytes);
    if (file.fd < 0) return say(file.fault, file), nullptr;
    // Asked for ahead: in older kernels there is no other way to do without a signal.
    const size_t first = bytes_of(kParts[0], os::page_size()) + bytes_of(kParts[1], os::page_size());
    void* at = nullptr;
    if (const int error = os::allocate_file(file.fd, 0, first); error < 0 && error != -EOPNOTSUPP) {
        file.fault = "no room for it";
        file.error = -error;
    } else if (!(at = os::map_shared(file.fd, wanted.bytes, os::Access::kNone))) {
        file.fault = "it cannot be mapped";
    }
    os::close(file.fd);
    if (at) {
        os::exclude_from_dumps(at, wanted.bytes);
        lay_out(static_cast<char*>(at), wanted);
        if (state.front.reserve(kWhoOffset + sizeof(tarn_record_who)) &&
            state.snapshots.reserve(2 * sizeof(tarn_record_snapshot)) &&
            state.timelines[0].reserve(sizeof(tarn_record_timeline) - sizeof(tarn_record_timeline::points)))
            return static_cast<tarn_record_header*>(at);
        os::unmap(at, wanted.bytes);
        file.fault = "no room for it";
    }
    say(file.fault, file);
    remove_own_file();
    return nullptr;
}

// All but the magic, the modules and who it is.
void begin_at(tarn_record_header* header, const Layout& wanted) {
    state.header = header;
    state.mapped = wanted.bytes;
    state.process = os::process_id();
    header->version = TARN_RECORD_VERSION;
    header->header_size = sizeof *header;
    header->file_size = wanted.bytes;
    header->stats_version = TARN_STATS_VERSION;
    header->state = TARN_RECORD_RUNNING;
    header->started_ns = os::nanoseconds();
    header->started_realtime_ns = os::realtime_nanoseconds();
    describe(*header, wanted);
}

void show(tarn_record_header* header) {
    __atomic_store_n(&header->magic, TARN_RECORD_MAGIC, __ATOMIC_RELEASE);
    state.life.store(Life::kBegun, std::memory_order_release);
    watch_requests(header);
}

tarn_record_who& who_in(tarn_record_header* header) {
    return *reinterpret_cast<tarn_record_who*>(reinterpret_cast<char*>(header) + kWhoOffset);
}

}  // namespace

bool writes_here() {
    return state.life.load(std::memory_order_acquire) == Life::kBegun && os::process_id() == state.process;
}

tarn_record_section* section(tarn_record_section_kind kind) {
    for (tarn_record_section& each : state.header->sections)
        if (each.kind == kind) return &each;
    return nullptr;
}

bool begin(const Host& host) {
    state.host = &host;
    no_memory = stop;
    const Layout wanted = layout();
    tarn_record_header* const header = make(wanted);
    if (!header) return false;
    begin_at(header, wanted);
    tell_who(who_in(header), host);
    show(header);
    look_for_modules();
    if (sampler()) sampler()->begun();
    publish(Why::kFirst);
    return true;
}

namespace {

// Of the parent, until the child begins its own record.
struct Parent {
    int process = 0;
    uint64_t forked_ns = 0;
    uint64_t modules = 0;
    bool written = false;  // this thread goes on with what it was writing
};
constinit Parent parent;

// What the thread was writing when a signal handler forked over it, it writes to memory of its own.
void keep_parents_whole() {
    const int fd = reopen_to_read();
    if (fd < 0 || !os::map_private_at(state.header, fd, state.mapped))
        os::map_anew_at(state.header, state.mapped);
    if (fd >= 0) os::close(fd);
}

// A child that is not to have a record. Whoever looks for processes that have the parent's file finds none here; where
// it was there is something to read still, for what a signal handler forked over.
void leave_to_parent() {
    if (sampler()) sampler()->ended();
    if (parent.written || !os::unmap_exactly(state.header, state.mapped)) return;
    (void)os::reserve_zeros_at(state.header, state.mapped);
    forget_file();
}

}  // namespace

void forked() {
    state.lock.reset();
    state.in_child = true;
    if (interrupted_writer.load(std::memory_order_relaxed) != thread_pointer())
        interrupted_writer.store(0, std::memory_order_relaxed);  // it did not come along
    const Life life = state.life.load(std::memory_order_relaxed);
    if (life != Life::kBegun) return;
    parent = {state.process, os::nanoseconds(), section(TARN_RECORD_MODULES)->count, writing > 0};
    if (parent.written) {
        interrupted_writer.store(thread_pointer(), std::memory_order_relaxed);
        keep_parents_whole();
    }
    watch_requests(nullptr);
    modules_after_fork_child();
    forget_published();
    const bool records = state.host->options->record_children;
    state.life.store(records ? Life::kForked : Life::kEnded, std::memory_order_release);
    if (sampler()) sampler()->after_fork_child();
    if (!records) leave_to_parent();
}

bool begin_in_child() {
    const Writing here;
    tarn_record_header* const before = state.header;
    const size_t mapped = state.mapped;
    const tarn_record_module* const modules = &state.modules.entry<tarn_record_module>(0);
    // One that has confined itself by now may not open files, and that may be the end of it.
    const bool may = !state.host->confined_itself();
    const Layout wanted = may ? layout() : Layout{};
    tarn_record_header* const header = may ? make(wanted) : nullptr;
    if (header) {
        begin_at(header, wanted);
        __builtin_memcpy(&who_in(header), &who_in(before), sizeof(tarn_record_who));
        tell_who_forked(who_in(header));
        copy_modules({modules, parent.modules, parent.forked_ns});
        show(header);
    } else {
        state.life.store(Life::kStopped, std::memory_order_release);
    }
    if (!parent.written) os::unmap(before, mapped);
    if (!header) return false;
    event(TARN_RECORD_EVENT_FORK, static_cast<uint64_t>(parent.process));
    if (sampler()) sampler()->begun();
    publish(Why::kFirst);
    return true;
}

namespace {

void close_with(tarn_record_state how, Life life) {
    state.header->ended_ns = os::nanoseconds();
    __atomic_store_n(&state.header->state, how, __ATOMIC_RELEASE);
    state.life.store(life, std::memory_order_release);
    watch_requests(nullptr);
    if (sampler()) sampler()->ended();
}

bool stays() {
    const Options& options = *state.host->options;
    return (options.record && *options.record == '/') || options.record_keep;
}

}  // namespace

void stop(const char* why) {
    Life before = Life::kBegun;
    if (!state.life.compare_exchange_strong(before, Life::kStopped)) return;
    close_with(TARN_RECORD_STOPPED, Life::kStopped);
    say(why, {});
}

void end() {
    constexpr uint64_t kWait = 100'000'000;  // ns
    if (state.life.load(std::memory_order_acquire) == Life::kForked && stays()) ensure_begun();
    if (state.life.load(std::memory_order_acquire) == Life::kStopped && os::process_id() == state.process) {
        if (!stays()) remove_own_file();
        return;
    }
    if (!writes_here()) return;
    const bool locked = !state.lock.is_mine() && state.lock.lock_within(kWait);
    if (locked) {
        publish(Why::kLast);
        state.lock.unlock();
    }
    if (!writes_here()) return;
    close_with(TARN_RECORD_ENDED, Life::kEnded);
    if (!stays()) remove_own_file();
}

}  // namespace tarn::record
