// SPDX-License-Identifier: MIT
#include "reader/live/crowd.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <system_error>

namespace tarn::reader {
namespace {

constexpr size_t kMost = 512;  // records that are looked at
constexpr ptrdiff_t kRemovedMost = 64;
constexpr size_t kAllPoints = TARN_RECORD_POINTS;

bool has_ended(Fate fate) {
    return fate == Fate::kEnded || fate == Fate::kReplaced || fate == Fate::kKilled;
}

// By its path: the file that was opened, or another one by now, or none.
bool is_at(const Input& input, const std::string& path) {
    struct stat status;
    return stat(path.c_str(), &status) == 0 && status.st_dev == input.device() &&
           status.st_ino == input.inode();
}

}  // namespace

bool Member::is_there() const {
    return !has_ended(state.fate) && (state.fate != Fate::kUnwritten || !known.gone);
}

Crowd::Crowd(std::vector<std::string> folders, std::vector<std::string> files, Removed removed)
    : folders_(std::move(folders)), files_(std::move(files)), removed_(removed) {}

std::vector<std::string> Crowd::paths() const {
    std::vector<std::string> found = files_;
    for (const std::string& folder : folders_) {
        std::error_code error;
        std::filesystem::directory_iterator entries(folder, error), end;
        for (; !error && entries != end; entries.increment(error))
            if (entries->path().extension() == ".tarnrecord") found.push_back(entries->path().string());
    }
    return found;
}

void Crowd::look(size_t points, const std::string& closer) {
    unreadable_ = 0;
    mappings_ = {};
    for (Member& member : members_)
        member.removed = member.removed || !is_at(*member.input, member.path);
    for (const std::string& path : paths())
        meet(path);
    auto forgotten = [&](Member& member) {
        // Nobody can write to a file that has gone and whose process has ended: it was read to its end.
        if (member.removed && has_ended(member.state.fate)) return removed_ == Removed::kForgotten;
        if (read(&member, member.path == closer ? kAllPoints : points))
            return member.removed && removed_ == Removed::kForgotten;
        ++unreadable_;
        return true;
    };
    members_.erase(std::remove_if(members_.begin(), members_.end(), forgotten), members_.end());
    auto is_removed = [](const Member& one) { return one.removed; };
    auto gone = std::count_if(members_.begin(), members_.end(), is_removed);
    for (; gone > kRemovedMost; --gone)
        members_.erase(std::find_if(members_.begin(), members_.end(), is_removed));
}

void Crowd::meet(const std::string& path) {
    auto known = std::find_if(members_.begin(), members_.end(),
                              [&](const Member& one) { return !one.removed && one.path == path; });
    if (known != members_.end()) return;
    try {
        if (members_.size() >= kMost) throw Unreadable(path);
        Member member;
        member.path = path;
        member.input = std::make_shared<const Input>(path);
        members_.push_back(std::move(member));
    } catch (const Unreadable&) {
        ++unreadable_;
    }
}

bool Crowd::read(Member* member, size_t points) {
    try {
        member->record = read_outline(*member->input, points);
        member->state = state_of(member->record, *member->input, &mappings_, &member->known);
        if (member->state.fate != Fate::kKilled) return true;
        // It may have written its end, and gone, since its record was read.
        member->record = read_outline(*member->input, points);
        member->state = state_of(member->record, *member->input, &mappings_, &member->known);
        return true;
    } catch (const Unreadable&) {
        return false;
    }
}

}  // namespace tarn::reader
