// SPDX-License-Identifier: MIT
#include "cli/run/place.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <tuple>
#include <vector>

#include "cli/program/libraries.h"
#include "reader/fate.h"
#include "reader/record.h"

namespace tarn::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostRecords = 64;

// A folder of this user's that nobody else may look into: as the library wants it.
bool is_private(const std::string& folder) {
    struct stat status;
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return false;
    return lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & 077) == 0;
}

std::string usual_folder() {
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    if (runtime && *runtime == '/')
        if (std::string folder = std::string(runtime) + "/tarn"; is_private(folder)) return folder;
    std::string folder = "/dev/shm/tarn-" + std::to_string(geteuid());
    return is_private(folder) ? folder : "";
}

bool is_gone(const fs::path& file) {
    try {
        reader::Input input(file);
        reader::Record record = reader::read_record(input);
        reader::Fate fate = state_of(record, input).fate;
        return fate == reader::Fate::kEnded || fate == reader::Fate::kReplaced ||
               fate == reader::Fate::kKilled;
    } catch (const reader::Unreadable&) {
        return false;  // whatever it is
    }
}

void remove_old_records(const std::string& folder) {
    std::vector<std::tuple<fs::file_time_type, fs::path>> files;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
        if (entry.path().extension() == ".tarnrecord")
            files.emplace_back(fs::last_write_time(entry.path(), error), entry.path());
    std::sort(files.begin(), files.end());
    size_t left = files.size();
    for (const auto& [time, path] : files)
        if (left >= kMostRecords && is_gone(path)) left -= fs::remove(path, error) ? 1 : 0;
}

Place chosen_by_user(const std::string& asked) {
    Place place;
    std::string path = absolute(asked);
    std::string folder = fs::path(path).parent_path();
    struct stat status;
    if (access(folder.c_str(), W_OK | X_OK) != 0)
        place.fault = folder + ": " + std::strerror(errno);
    else if (stat(path.c_str(), &status) == 0) {
        try {
            reader::read_record(path);
        } catch (const reader::Unreadable&) {
            place.fault = asked + ": something else is there, and stays; name a file that is not";
        }
    }
    if (place.fault.empty()) place.pattern = path;
    return place;
}

std::string expanded(const std::string& pattern, pid_t process, const std::string& program) {
    std::string path;
    for (size_t i = 0; i < pattern.size(); ++i) {
        bool is_mark = pattern[i] == '%' && i + 1 < pattern.size();
        if (is_mark && pattern[i + 1] == 'p')
            path += std::to_string(process), ++i;
        else if (is_mark && pattern[i + 1] == 'n')
            path += program, ++i;
        else
            path += pattern[i];
    }
    return path;
}

}  // namespace

Place choose_place(const std::string& asked) {
    if (!asked.empty()) return chosen_by_user(asked);
    Place place;
    std::string folder = usual_folder();
    if (folder.empty()) {
        place.fault = "no folder for the record; name a file by -o";
        return place;
    }
    remove_old_records(folder);
    place.pattern = folder + "/%p.tarnrecord";
    place.usual = true;
    return place;
}

std::string find_record(const Place& place, pid_t process, const std::string& program) {
    std::string path = expanded(place.pattern, process, program);
    for (const std::string& one : {path, path + "." + std::to_string(process)}) {
        try {
            if (reader::read_record(one).who.pid == static_cast<uint32_t>(process)) return one;
        } catch (const reader::Unreadable&) {
            continue;
        }
    }
    return "";
}

}  // namespace tarn::cli
