// SPDX-License-Identifier: MIT
#include "profile/books.h"

#include <atomic>

#include "os/os.h"
#include "os/shared_file.h"
#include "profile/index.h"
#include "record/modules.h"
#include "record/record.h"
#include "record/writing.h"

namespace tarn::profile {

namespace {

using record::state;

// Where this record has them. A thread that was interrupted, by a handler that forked, goes on with those of before.
constinit tarn_record_header* header = nullptr;
constinit tarn_record_stack* stack_entries = nullptr;
constinit uint64_t* frame_entries = nullptr;
constinit tarn_record_sample* sample_entries = nullptr;

tarn_record_stack& stack_at(uint32_t number) {
    return stack_entries[number];
}
tarn_record_sample& sample_at(uint32_t number) {
    return sample_entries[number];
}

uint64_t scrambled(uint64_t value) {
    value = (value ^ value >> 32) * 0xd6e8feb86659fd93;
    return value ^ value >> 32;
}
uint64_t hash_of_stack(uint32_t number) {
    return stack_at(number).hash;
}
uint64_t hash_of_sample(uint32_t number) {
    return scrambled(sample_at(number).address);
}

struct Books {
    Lock lock;
    std::atomic<bool> open{false};
    bool closed;  // for good: this thread is in the middle of a change that it made in the parent
    tarn_record_section *stacks, *frames, *samples;
    Index<hash_of_stack> by_hash;
    Index<hash_of_sample> by_address;
    uint32_t free_sample;  // the first entry that is free again, + 1
    uint64_t live_bytes;   // of all samples
    std::atomic<size_t> live;
};
constinit Books books = {};

// Freed by signal handlers over the lock.
constexpr size_t kPending = 64;
constinit std::atomic<uintptr_t> pending[kPending] = {};
constinit std::atomic<size_t> pending_count{0};

// One word in a page that a child finds zeroed, however it came into being; NULL: the kernel cannot do that.
constinit const uint32_t* alive = nullptr;

template <class Value>
void store(uint64_t& field, Value value) {
    __atomic_store_n(&field, static_cast<uint64_t>(value), __ATOMIC_RELAXED);
}

// What was live here at the newest peak is kept before it changes.
void keep_peak(tarn_record_stack& stack) {
    const uint64_t peak = header->peak_number;
    if (stack.peak_at == peak) return;
    store(stack.peak_objects_1024, stack.live_objects_1024);
    store(stack.peak_bytes, stack.live_bytes);
    __atomic_store_n(&stack.peak_at, peak, __ATOMIC_RELEASE);
}

void note_peak(uint64_t now) {
    if (books.live_bytes <= header->peak_bytes) return;
    store(header->peak_bytes, books.live_bytes);
    store(header->peak_ns, now);
    __atomic_store_n(&header->peak_number, header->peak_number + 1, __ATOMIC_RELEASE);
}

// The sequence is odd while it is written.
class Change {
  public:
    explicit Change(tarn_record_sample& sample) : sample_(sample) {
        __atomic_store_n(&sample_.sequence, sample_.sequence + 1, __ATOMIC_RELAXED);
        std::atomic_thread_fence(std::memory_order_release);
    }
    ~Change() { __atomic_store_n(&sample_.sequence, sample_.sequence + 1, __ATOMIC_RELEASE); }
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

  private:
    tarn_record_sample& sample_;
};

uint32_t find(uintptr_t address) {
    return books.by_address.find(scrambled(address),
                                 [=](uint32_t number) { return sample_at(number).address == address; });
}

void strike(uint32_t number) {
    tarn_record_sample& sample = sample_at(number);
    tarn_record_stack& stack = stack_at(sample.stack);
    keep_peak(stack);
    store(stack.live_objects_1024, stack.live_objects_1024 - sample.objects_1024);
    store(stack.live_bytes, stack.live_bytes - sample.bytes);
    books.live_bytes -= sample.bytes;
    books.by_address.remove(scrambled(sample.address), number);
    books.live.store(books.live.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    const Change change(sample);
    sample.address = 0;
    sample.reserved = books.free_sample;
    books.free_sample = number + 1;
}

void strike_pending() {
    for (std::atomic<uintptr_t>& each : pending) {
        const uintptr_t address = each.exchange(0, std::memory_order_relaxed);
        if (!address) continue;
        pending_count.fetch_sub(1, std::memory_order_relaxed);
        if (const uint32_t number = find(address); number != UINT32_MAX) strike(number);
    }
}

// False: this thread holds the lock, and was interrupted.
class [[nodiscard]] Entered {
  public:
    Entered() : mine_(!books.lock.is_mine()) {
        if (!mine_) return;
        books.lock.lock();
        if (pending_count.load(std::memory_order_relaxed) > 0) [[unlikely]]
            strike_pending();
    }
    ~Entered() {
        if (mine_) books.lock.unlock();
    }
    Entered(const Entered&) = delete;
    Entered& operator=(const Entered&) = delete;
    explicit operator bool() const { return mine_ && books.open.load(std::memory_order_relaxed); }

  private:
    const bool mine_;
    const record::Writing writing_;
};

void strike_later(uintptr_t address) {
    for (std::atomic<uintptr_t>& each : pending) {
        uintptr_t none = 0;
        if (!each.compare_exchange_strong(none, address, std::memory_order_relaxed)) continue;
        pending_count.fetch_add(1, std::memory_order_relaxed);
        return;
    }
}

}  // namespace

bool open_books() {
    if (books.closed) return false;
    books.stacks = record::section(TARN_RECORD_STACKS);
    books.frames = record::section(TARN_RECORD_FRAMES);
    books.samples = record::section(TARN_RECORD_SAMPLES);
    if (!books.stacks || !books.frames || !books.samples) return false;
    header = state.header;
    stack_entries = &state.stacks.entry<tarn_record_stack>(0);
    frame_entries = &state.frames.entry<uint64_t>(0);
    sample_entries = &state.samples.entry<tarn_record_sample>(0);
    if (!alive) {
        if (void* const page = os::map(os::page_size());
            page && os::wipe_in_children(page, os::page_size())) {
            *static_cast<uint32_t*>(page) = 1;
            alive = static_cast<const uint32_t*>(page);
        }
    } else {
        *const_cast<uint32_t*>(alive) = 1;
    }
    books.open.store(true, std::memory_order_release);
    return true;
}

void close_books() {
    books.open.store(false, std::memory_order_release);
}

void forget_books() {
    close_books();
    books.closed |= books.lock.is_mine();
    if (books.closed) return;
    books.lock.reset();
    books.by_hash.clear();
    books.by_address.clear();
    books.free_sample = 0;
    books.live_bytes = 0;
    books.live.store(0, std::memory_order_relaxed);
    for (std::atomic<uintptr_t>& each : pending)
        each.store(0, std::memory_order_relaxed);
    pending_count.store(0, std::memory_order_relaxed);
}

bool books_open() {
    if (!books.open.load(std::memory_order_acquire)) return false;
    return alive ? *const_cast<const volatile uint32_t*>(alive) == 1 : record::writes_here();
}

size_t live_samples() {
    return books.live.load(std::memory_order_relaxed);
}

namespace {

uint64_t hash_of(const Stack& stack) {
    uint64_t hash = stack.depth * 2 + stack.cut;
    for (size_t i = 0; i < stack.depth; ++i)
        hash = scrambled(hash ^ stack.frames[i]) + i;
    return hash;
}

uint32_t append(const Stack& stack, uint64_t hash, uint64_t now) {
    const uint64_t number = books.stacks->count, first = books.frames->count;
    const bool room = number < books.stacks->capacity && first + stack.depth <= books.frames->capacity &&
                      state.stacks.reserve((number + 1) * sizeof(tarn_record_stack)) &&
                      state.frames.reserve((first + stack.depth) * sizeof(uint64_t));
    if (!room || !books_open()) {
        __atomic_store_n(&books.stacks->dropped, books.stacks->dropped + 1, __ATOMIC_RELAXED);
        return kNoStack;
    }
    for (size_t i = 0; i < stack.depth; ++i)
        frame_entries[first + i] = stack.frames[i];
    tarn_record_stack& entry = stack_at(static_cast<uint32_t>(number));
    entry = {};
    entry.hash = hash;
    entry.first_frame = first;
    entry.depth = static_cast<uint32_t>(stack.depth);
    entry.cut = stack.cut;
    entry.first_seen_ns = entry.last_seen_ns = now;
    entry.peak_at = header->peak_number;
    if (!books.by_hash.add(hash, static_cast<uint32_t>(number))) return kNoStack;
    __atomic_store_n(&books.frames->count, first + stack.depth, __ATOMIC_RELEASE);
    __atomic_store_n(&books.stacks->count, number + 1, __ATOMIC_RELEASE);
    return static_cast<uint32_t>(number);
}

}  // namespace

uint32_t number_of(const Stack& stack, uint64_t now) {
    uint32_t number;
    {
        const Entered entered;
        if (!entered) return kNoStack;
        const uint64_t hash = hash_of(stack);
        number = books.by_hash.find(hash, [=](uint32_t each) { return stack_at(each).hash == hash; });
        if (number != UINT32_MAX) return number;
        number = append(stack, hash, now);
    }
    if (number == kNoStack) return number;
    for (size_t i = 0; i < stack.depth; ++i)
        if (!(stack.frames[i] & TARN_RECORD_FRAME_NAME))
            record::know_module(stack.frames[i] & ~TARN_RECORD_FRAME_EXACT);
    return number;
}

namespace {

void allocated(tarn_record_stack& stack, uint64_t objects_1024, uint64_t bytes, uint64_t now) {
    store(stack.last_seen_ns, now);
    store(stack.samples, stack.samples + 1);
    store(stack.allocated_objects_1024, stack.allocated_objects_1024 + objects_1024);
    store(stack.allocated_bytes, stack.allocated_bytes + bytes);
}

// The entry for another sample; kNone: there is no room.
uint32_t take_entry() {
    if (books.free_sample) {
        const uint32_t number = books.free_sample - 1;
        books.free_sample = static_cast<uint32_t>(sample_at(number).reserved);
        return number;
    }
    const uint64_t number = books.samples->count;
    if (number == books.samples->capacity ||
        !state.samples.reserve((number + 1) * sizeof(tarn_record_sample)))
        return UINT32_MAX;
    __atomic_store_n(&books.samples->count, number + 1, __ATOMIC_RELEASE);
    return static_cast<uint32_t>(number);
}

void give_entry(uint32_t number) {
    sample_at(number).reserved = books.free_sample;
    books.free_sample = number + 1;
}

void lives(const Sample& sample) {
    // One that is there has been freed behind our back: by a handler with too much to do.
    if (const uint32_t stale = find(sample.address); stale != UINT32_MAX) strike(stale);
    const uint32_t number = take_entry();
    if (number == UINT32_MAX) {
        __atomic_store_n(&books.samples->dropped, books.samples->dropped + 1, __ATOMIC_RELAXED);
        return;
    }
    if (!books.by_address.add(scrambled(sample.address), number)) return give_entry(number);
    {
        tarn_record_sample& entry = sample_at(number);
        const Change change(entry);
        entry.address = sample.address;
        entry.size = sample.size;
        entry.objects_1024 = sample.weight.objects_1024;
        entry.bytes = sample.weight.bytes;
        entry.time_ns = sample.time_ns;
        entry.stack = sample.stack;
        entry.thread = sample.thread;
    }
    tarn_record_stack& stack = stack_at(sample.stack);
    keep_peak(stack);
    store(stack.live_objects_1024, stack.live_objects_1024 + sample.weight.objects_1024);
    store(stack.live_bytes, stack.live_bytes + sample.weight.bytes);
    books.live_bytes += sample.weight.bytes;
    books.live.store(books.live.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    note_peak(sample.time_ns);
}

}  // namespace

void add_sample(const Sample& sample) {
    const Entered entered;
    if (!entered || sample.stack == kNoStack) return;
    allocated(stack_at(sample.stack), sample.weight.objects_1024, sample.weight.bytes, sample.time_ns);
    lives(sample);
}

void add_resized(const Sample& sample, const Weight& before) {
    const Entered entered;
    if (!entered) return;
    if (sample.weight.bytes > before.bytes) {
        tarn_record_stack& stack = stack_at(sample.stack);
        store(stack.allocated_bytes, stack.allocated_bytes + sample.weight.bytes - before.bytes);
    }
    lives(sample);
}

bool strike_sample(uintptr_t address, Sample& struck) {
    const Entered entered;
    if (!entered) {
        if (books.lock.is_mine()) strike_later(address);
        return false;
    }
    const uint32_t number = find(address);
    if (number == UINT32_MAX) return false;
    const tarn_record_sample& entry = sample_at(number);
    struck = {address,       entry.size,  {entry.objects_1024, entry.bytes},
              entry.time_ns, entry.stack, entry.thread};
    strike(number);
    return true;
}

}  // namespace tarn::profile
