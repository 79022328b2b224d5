// SPDX-License-Identifier: MIT
// Input: a record's file. It is read by pread and never mapped: a file that another process cuts short while it is
// read is an end of file and not a SIGBUS.
#pragma once
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace tarn::reader {

// What cannot be read, in one line that says what to do.
class Unreadable : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Input {
  public:
    explicit Input(const std::string& path);  // throws Unreadable
    ~Input();
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;

    const std::string& path() const { return path_; }
    // Bytes that the file had when it was opened.
    uint64_t size() const { return size_; }
    uint64_t device() const { return device_; }
    uint64_t inode() const { return inode_; }

    // Fills `to`, with zeros where the file has ended by now; the number of bytes that were there.
    size_t read(uint64_t offset, void* to, size_t bytes) const;

  private:
    std::string path_;
    int file_ = -1;
    uint64_t size_ = 0, device_ = 0, inode_ = 0;
};

// Where this user's processes keep their records, unless they are told otherwise; these folders need not be there.
std::vector<std::string> default_folders();

// The file that is meant: by its path, or as the number of a process whose record is in the default place (docs/record.md);
// "": the newest one there, in the first of the folders that has any.
// Throws Unreadable when there is none of that process.
std::string record_path(const std::string& path_or_process);

// Whether `count` entries of `entry` bytes from `offset` on lie below `end`.
bool lies_within(uint64_t offset, uint64_t count, uint64_t entry, uint64_t end);

}  // namespace tarn::reader
