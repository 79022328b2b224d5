// SPDX-License-Identifier: MIT
// Crowd: the records of many processes, looked at again and again. Each look opens what is there and reads the little
// that changes (read_outline).
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "reader/fate.h"

namespace tarn::reader {

struct Member {
    std::string path;
    std::shared_ptr<const Input> input;
    Record record;  // an outline
    State state = {};
    Known known;
    bool removed = false;  // the file has gone; what it said last is here

    bool is_there() const;  // the process, as far as is known
};

// What becomes of those whose files have gone: those of processes that ended as they should.
enum class Removed { kForgotten, kKept };

class Crowd {
  public:
    // Files are records themselves, folders hold some; what is not there is nothing.
    Crowd(std::vector<std::string> folders, std::vector<std::string> files, Removed removed);

    // Reads all anew: of the time line so many points, and of `closer` (a path) all.
    void look(size_t points, const std::string& closer = "");
    const std::vector<Member>& members() const { return members_; }
    // Files in the way that are no records, or of a format that this command cannot read; and those too many to look at.
    size_t unreadable() const { return unreadable_; }

  private:
    std::vector<std::string> paths() const;
    void meet(const std::string& path);
    bool read(Member* member, size_t points);

    std::vector<std::string> folders_, files_;
    Removed removed_;
    std::vector<Member> members_;
    Mappings mappings_;  // of this look
    size_t unreadable_ = 0;
};

}  // namespace tarn::reader
