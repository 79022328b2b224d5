// SPDX-License-Identifier: MIT
#include "reader/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace tarn::reader {

Input::Input(const std::string& path) : path_(path) {
    // Not to wait for a pipe's other end, which is refused below.
    file_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file_ < 0) throw Unreadable(path + ": " + std::strerror(errno));
    struct stat status;
    if (fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(file_);
        throw Unreadable(path + ": not a file; a record is one, which TARN_RECORD=FILE makes");
    }
    size_ = static_cast<uint64_t>(status.st_size);
    device_ = status.st_dev;
    inode_ = status.st_ino;
}

Input::~Input() {
    close(file_);
}

size_t Input::read(uint64_t offset, void* to, size_t bytes) const {
    size_t done = 0;
    while (done < bytes) {
        ssize_t got =
            pread(file_, static_cast<char*>(to) + done, bytes - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += static_cast<size_t>(got);
    }
    if (done < bytes) std::memset(static_cast<char*>(to) + done, 0, bytes - done);
    return done;
}

std::vector<std::string> default_folders() {
    std::vector<std::string> folders;
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    if (runtime && *runtime) folders.push_back(std::string(runtime) + "/tarn");
    folders.push_back("/dev/shm/tarn-" + std::to_string(getuid()));
    return folders;
}

namespace {

std::string newest_record() {
    namespace fs = std::filesystem;
    std::string newest, looked;
    fs::file_time_type latest = fs::file_time_type::min();
    for (const std::string& folder : default_folders()) {
        std::error_code error;
        for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
            fs::file_time_type time = entry.last_write_time(error);
            if (error || entry.path().extension() != ".tarnrecord" || time < latest) continue;
            latest = time;
            newest = entry.path();
        }
        if (!newest.empty()) return newest;
        looked += (looked.empty() ? "" : " or ") + folder;
    }
    throw Unreadable("no record in " + looked + "; tarn run -- CMD makes one");
}

}  // namespace

std::string record_path(const std::string& path_or_process) {
    const std::string& word = path_or_process;
    if (word.empty()) return newest_record();
    bool number = word.find_first_not_of("0123456789") == std::string::npos;
    if (!number || access(word.c_str(), F_OK) == 0) return word;
    std::string looked;
    for (const std::string& folder : default_folders()) {
        std::string path = folder + "/" + word + ".tarnrecord";
        if (access(path.c_str(), F_OK) == 0) return path;
        looked += (looked.empty() ? "" : " or ") + folder;
    }
    throw Unreadable("process " + word + ": no record in " + looked + "; one is made with TARN_RECORD=1");
}

bool lies_within(uint64_t offset, uint64_t count, uint64_t entry, uint64_t end) {
    uint64_t bytes, last;
    return !__builtin_mul_overflow(count, entry, &bytes) && !__builtin_add_overflow(offset, bytes, &last) &&
           last <= end && last <= INT64_MAX;
}

}  // namespace tarn::reader
