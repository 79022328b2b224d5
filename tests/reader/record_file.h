// SPDX-License-Identifier: MIT
// A file with a record, or with anything, for as long as a test needs it.
#pragma once
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "sample_record.h"

class RecordFile {
  public:
    explicit RecordFile(std::string_view bytes) {
        char path[] = "/tmp/tarn-record-XXXXXX";
        descriptor_ = mkstemp(path);
        path_ = path;
        write(bytes);
    }
    explicit RecordFile(SampleRecord& sample)
        : RecordFile(std::string_view(sample.bytes().data(), sample.bytes().size())) {}
    ~RecordFile() {
        close(descriptor_);
        unlink(path_.c_str());
    }
    RecordFile(const RecordFile&) = delete;
    RecordFile& operator=(const RecordFile&) = delete;

    const std::string& path() const { return path_; }
    int descriptor() const { return descriptor_; }
    // Instead of what it had.
    void write(std::string_view bytes) {
        bool good = ftruncate(descriptor_, static_cast<off_t>(bytes.size())) == 0;
        good =
            good && pwrite(descriptor_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
        if (!good) abort();
    }

  private:
    std::string path_;
    int descriptor_ = -1;
};
