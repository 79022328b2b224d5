// SPDX-License-Identifier: MIT
// Files that are mapped shared, and facts about processes: what the record needs of the kernel besides os.h. As there, a
// negative result is the kernel's error number, negated; nothing allocates, locks or touches errno.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tarn::os {

// openat(2), close-on-exec. -EINTR is tried again.
int open_at(int folder, const char* path, int flags, unsigned mode = 0);
inline constexpr int kWorkingDirectory = -100;  // AT_FDCWD
int make_folder(const char* path, unsigned mode);
int remove_file(const char* path);
int rename_file(const char* from, const char* to);

int remove_at(int folder, const char* name);
// Calls visit(context, name) for each name in an open folder, "." and ".." as well.
void read_folder(int folder, void (*visit)(void* context, const char* name), void* context);

struct FileFacts {
    uint32_t mode;  // with its type, as of stat(2)
    uint32_t owner;
    uint64_t device, inode;
    uint64_t size;
    uint64_t written_ns;  // of CLOCK_REALTIME: last
};
bool file_facts(int fd, FileFacts& facts);

int set_size(int fd, uint64_t bytes);
// Memory of the file system's for this part, zeros where nothing is yet.
int allocate_file(int fd, uint64_t offset, uint64_t bytes);
// Neither raises a signal: SIGXFSZ is blocked meanwhile.

enum class Access : uint8_t { kNone, kRead, kWrite };
// NULL when refused.
[[nodiscard]] void* map_shared(int fd, size_t bytes, Access access);
// Reads see the file as it is, writes stay here; in the place of what is mapped at `at`.
bool map_private_at(void* at, int fd, size_t bytes);
bool set_access(void* at, size_t bytes, Access access);
// A child of fork, and of clone where it shares no memory, has zeros there (Linux 4.14). False when refused.
bool wipe_in_children(void* at, size_t bytes);
// Touches each page of a mapping as a write would, and faults politely where there is no memory (Linux 5.14).
enum class Populated : uint8_t { kYes, kNoMemory, kUnknown };
Populated populate(void* at, size_t bytes);

long read_at(int fd, void* buffer, size_t size, uint64_t offset);
// Raises no SIGXFSZ either.
int write_at(int fd, const void* buffer, size_t size, uint64_t offset);
// A small file, as a terminated string; its length, 0 when it cannot be read. What does not fit is cut.
size_t read_text(const char* path, char* buffer, size_t size);
// The target, terminated; its length, 0: none, or it does not fit.
size_t read_link(const char* path, char* buffer, size_t size);

// Of the running kernel, terminated and cut where it does not fit.
void kernel_release(char* buffer, size_t size);
uint64_t machine_memory();  // bytes; 0: it does not say

uint64_t file_size_limit();  // RLIMIT_FSIZE, bytes; UINT64_MAX: none
uint64_t data_limit();       // RLIMIT_DATA
struct Use {
    uint64_t address_space, data;  // bytes, as the limits count them
};
Use use();
bool on_alternate_stack();  // sigaltstack(2): this is a signal handler there
uint32_t user_id();         // effective
int parent_id();
// When the process was started, in ticks since boot (field 22 of /proc/PID/stat); 0: there is none.
uint64_t start_ticks(int process);
// CLOCK_MONOTONIC, a tick (1 to 10 ms) old at most; no system call.
uint64_t coarse_nanoseconds();
uint64_t realtime_nanoseconds();

}  // namespace tarn::os
