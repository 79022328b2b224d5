// SPDX-License-Identifier: MIT
// The kernel contract. os.cpp, facts.cpp, files.cpp, guard.cpp and lock.cpp hold the only system calls of the library; none of
// these functions allocates, takes a lock or touches errno. Sizes and addresses are multiples of page_size()
// where memory is mapped.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn::os {

inline constexpr size_t kPageSize = 4096;             // granularity of carving; the real page may be larger
inline constexpr size_t kHugePage = size_t{2} << 20;  // of x86-64, and of aarch64 with pages of 4 KiB

size_t page_size();  // of this machine, found at run time (AT_PAGESZ)

// Address space without access: no commit charge, nothing resident. NULL when refused.
[[nodiscard]] void* reserve(size_t bytes, void* hint = nullptr);
// The same, but it may be read, and is all zero.
[[nodiscard]] void* reserve_zeros(size_t bytes);
// The same at exactly this address; false when something is there or the kernel refuses.
[[nodiscard]] bool reserve_zeros_at(void* at, size_t bytes);
// Makes reserved space readable and writable; fresh pages read as zero. False when refused.
[[nodiscard]] bool commit(void* at, size_t bytes);
// Nobody may touch it until commit(); its memory stays. False when refused.
[[nodiscard]] bool forbid(void* at, size_t bytes);
// Makes it read-only.
void forbid_writes(void* at, size_t bytes);
// A readable and writable mapping, zeroed, at exactly this address.
enum class Placed : uint8_t { kYes, kOccupied, kRefused };
[[nodiscard]] Placed map_at(void* at, size_t bytes);
// The same where something of ours is mapped; false when refused, and then it stands as it was.
bool map_anew_at(void* at, size_t bytes);
// Whether the first two give what is never huge, without being asked: Linux 6.7 and on know it by a flag.
bool mapped_never_huge();
bool kernel_is(unsigned major, unsigned minor);  // or later
// Fresh pages of such a mapping, which nobody has touched, get their memory at once. They are mapped anew for it, since a
// filter of system calls knows mmap. False when refused (by Linux before 6.12 always: it may leave nothing there): they
// stand as they were.
bool prefault(void* at, size_t bytes);
// A huge page of such a mapping, which nobody has touched, gets all its memory; huge pages stay unwanted there. False: there
// is none to be had, or it was refused; then it stands as it was and is zero.
bool back_with_huge_page(void* at);
// Gives the pages' memory back; the range stays usable and reads as zero again. It is mapped anew: locked
// pages are no hindrance, and a filter of system calls knows mmap. False when the kernel refused: the
// contents are then unchanged.
bool purge(void* at, size_t bytes);
// The same by madvise, which cuts no mapping in pieces. False when refused (locked pages): nothing has changed then.
bool discard(void* at, size_t bytes);
// Unmaps all that is there. False when the kernel refused.
bool unmap_exactly(void* at, size_t bytes);
// Not in a core file.
void exclude_from_dumps(void* at, size_t bytes);
// A readable and writable mapping of its own, zeroed. NULL when refused.
[[nodiscard]] void* map(size_t bytes);
// The kernel's answer. Never: a filter of system calls forbids it, or it does not know what was asked.
enum class Answer : uint8_t { kDone, kNotNow, kNever };
Answer unmap(void* at, size_t bytes);
// Gives the memory of a mapping's pages back; the range stays readable and writable, and reads as zero. On
// kNever it is untouched, on kNotNow nobody knows whether it still stands: leave it alone.
[[nodiscard]] Answer map_anew(void* at, size_t bytes);
// mremap; moves when it must. NULL when refused: the old mapping is then untouched. A process to which
// mremap is forbidden is asked once.
[[nodiscard]] void* remap(void* at, size_t old_bytes, size_t new_bytes);
// The same to exactly `target`, which the caller has reserved; what was there goes. False when refused: the
// old mapping is then untouched, and nobody knows whether the target is still reserved: leave it alone.
[[nodiscard]] bool remap_to(void* at, size_t old_bytes, size_t new_bytes, void* target);
// mremap that never moves. False when there is no room behind it.
bool resize_in_place(void* at, size_t old_bytes, size_t new_bytes);
// No transparent huge pages in this range / huge pages wanted in it.
Answer forbid_huge_pages(void* at, size_t bytes);
Answer advise_huge_pages(void* at, size_t bytes);
// How many bytes of the range are resident; 0 when the kernel does not say.
Answer resident(const void* at, size_t bytes, size_t& found);
// From files of the kernel; as if there were none when they cannot be read.
// Has it given up privileges for a filter of system calls? Containers have a filter alone, which is none of
// the program's. True when it cannot be known. Found out once, when somebody asks first.
bool is_sandboxed();
// The program has put a filter on itself, or is about to (preload/confinement.cpp): is_sandboxed() is true from now on, and what only
// serves those who look on is better not asked of the kernel.
void note_confinement();
bool confined_itself();
// While there is one, a call may be made that a filter of the program's own may not know: note_confinement() waits for it, for a
// bounded time. False: the program has confined itself.
class [[nodiscard]] UnlistedCall {
  public:
    UnlistedCall();
    ~UnlistedCall();
    UnlistedCall(const UnlistedCall&) = delete;
    UnlistedCall& operator=(const UnlistedCall&) = delete;
    explicit operator bool() const { return may_; }

  private:
    bool may_;
};
void forget_unlisted_calls();  // in the child of a fork: those of other threads
long control_process(int option, const unsigned long (&words)[4]);  // prctl; an error as -errno
enum class HugePageSetting : uint8_t { kNever, kAdvised, kAlways };
HugePageSetting huge_page_setting();
size_t mappings_most();  // vm.max_map_count, 0 when it cannot be known

size_t address_space_limit();  // RLIMIT_AS in bytes, SIZE_MAX when unlimited

struct Memory {
    size_t resident;       // bytes now
    size_t peak_resident;  // high-water mark since exec
};
Memory memory();  // from /proc/self; zeros when it cannot be read

bool readable(const void* at, size_t bytes);  // asks the kernel, never faults
// The same of the 8 bytes at `at` by a call that every sandbox knows.
bool may_read(const void* at);
// Copies what may not be there, or may go meanwhile. False: some of it is not, or the kernel refused.
bool copy_from(const void* at, void* to, size_t bytes);
// The same of many places by one call, as far as the first that is not there: how many were.
struct Place {
    const void* at;
    size_t bytes;
};
size_t copy_first_from(const Place* places, size_t count, void* to, size_t bytes);
bool privileged();       // AT_SECURE: set-user-id and the like; the environment is not to be trusted
char** environment();    // may be NULL before libc is ready
uint64_t nanoseconds();  // CLOCK_MONOTONIC
uint64_t random();       // from the kernel's random bytes for this process (AT_RANDOM)
int process_id();
int thread_id();
void yield();  // lets another thread run
// Every running thread of the process passes a full memory barrier. False: the kernel cannot, or may not.
bool barrier_in_all_threads();
// Blocks this thread's signals, but for those that a fault raises; what was blocked before.
uint64_t block_signals();
void restore_signals(uint64_t blocked);

// Files: a negative result is the kernel's error number, negated.
long write(int fd, const char* text, size_t length);  // one call: the bytes that were taken
long send(int fd, const char* text, size_t length);   // the same to a socket: never waits, raises no signal
int open_append(const char* path);  // creates it, mode 0644, close-on-exec, O_NONBLOCK: waits for nobody
// Opens anew the pipe or terminal that fd refers to, so that it never waits and nobody else's flags change.
int reopen_non_blocking(int fd);
int duplicate_high(int fd);  // a close-on-exec copy out of the program's way
void close(int fd);
enum class FileKind : uint8_t { kPipe, kSocket, kTerminal, kOther };
FileKind file_kind(int fd);
bool non_blocking(int fd);
// Waits until fd takes something or is broken; false when it was not so. fd -1: sleeps.
bool wait_writable(int fd, uint64_t nanoseconds);
struct FileId {
    uint64_t device, inode;
    bool operator==(const FileId&) const = default;
};
bool file_id(int fd, FileId& id);
bool working_directory(char* buffer, size_t size);  // as a terminated string
// Signals as sets, bit n - 1 for signal n. Dispositions are never changed.
uint64_t block_also(uint64_t signals);  // what was blocked before; restore_signals undoes it
uint64_t pending_signals();             // of this thread or the process, among those blocked
void take_pending(int signal);          // this thread's first
[[noreturn]] void exit_now(int status);

// Tests only: the n-th call from now of a kind fails (and every one after it until reset). Compiled in
// when TARN_FAULTS is defined; the shipped library has no trace of it.
inline constexpr bool kFaults =
#ifdef TARN_FAULTS
    true;
#else
    false;
#endif
enum class Call { kReserve, kCommit, kPurge, kMap, kUnmap, kRemap, kCount };
void fail_after(Call call, long successes);
void fail_none();
long calls(Call call);

}  // namespace tarn::os
