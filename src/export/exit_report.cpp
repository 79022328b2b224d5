// SPDX-License-Identifier: MIT
#include "export/exit_report.h"

#include <atomic>
#include <initializer_list>

#include "base/options.h"
#include "base/output.h"
#include "base/text.h"
#include "export/own_report.h"
#include "os/os.h"

namespace tarn {

namespace {

constexpr int kStandardError = 2;

struct AtExit {
    int copy = -1;       // of standard error
    os::FileId id = {};  // what standard error was at start
    bool known = false;
    std::atomic<int> reported_by{0};  // process id
};
constinit AtExit report;

bool is_standard_error(int fd) {
    os::FileId id;
    return report.known && fd >= 0 && os::file_id(fd, id) && id == report.id;
}

// TARN_STATS_FILE with each %p replaced; any other % stands for itself.
class Path {
  public:
    explicit Path(const char* pattern) {
        Text text(append, this);
        for (; *pattern; ++pattern) {
            if (pattern[0] == '%' && pattern[1] == 'p') {
                text.decimal(static_cast<uint64_t>(os::process_id()));
                ++pattern;
            } else {
                text.add(*pattern);
            }
        }
    }
    const char* text() const { return text_; }

  private:
    static void append(void* context, const char* text, size_t length) {
        Path& path = *static_cast<Path*>(context);
        for (size_t i = 0; i < length && path.length_ + 1 < sizeof path.text_; ++i)
            path.text_[path.length_++] = text[i];
    }
    static constexpr size_t kDigits = 10;  // of a process id, where the name has two characters
    char text_[kDigits * sizeof options.stats_file / 2] = {};
    size_t length_ = 0;
};

// A copy keeps a pipe's reader waiting when the program has closed standard error: for the report itself, but
// not for a line about its file.
bool worth_a_copy() {
    if (!*options.stats_file) return true;
    const os::FileKind kind = os::file_kind(kStandardError);
    return kind != os::FileKind::kPipe && kind != os::FileKind::kSocket;
}

// Standard error as it was at start; -1: it is no more.
int standard_error() {
    for (int fd : {report.copy, kStandardError})
        if (is_standard_error(fd)) return fd;
    return -1;
}

// One line about a report that was not written, or not whole.
void complain(const char* what, const char* file, int error, uint64_t patience, bool same_file = false) {
    const int fd = standard_error();
    if (fd < 0) return;
    Output output(fd, Output::Waits::kBounded, patience);
    Text text(output);
    if (same_file) text.add('\n');  // it ends somewhere in a line
    text.add("tarn: ").add(what).add(file).add(": ");
    const char* words = words_for(error);
    words ? text.add(words) : text.add("error ").decimal(static_cast<uint64_t>(error));
    text.add('\n');
}

void report_to_file(const Snapshot& snapshot) {
    const Path path(options.stats_file);
    const int fd = os::open_append(path.text());
    if (fd < 0) return complain("cannot open TARN_STATS_FILE ", path.text(), -fd, Output::kPatience);
    Output output(fd);
    if (!send_own_report(output, snapshot, options.stats))
        complain("cannot write all of the report to TARN_STATS_FILE ", path.text(), output.error(),
                 output.patience());
    os::close(fd);
}

void report_to_standard_error(const Snapshot& snapshot) {
    const int fd = standard_error();
    if (fd < 0) return;
    Output output(fd);
    if (!send_own_report(output, snapshot, options.stats))
        complain("cannot write all of the report to standard error", "", output.error(), output.patience(),
                 output.begun());
}

}  // namespace

void prepare_report() {
    report.known = os::file_id(kStandardError, report.id);
    if (report.known && worth_a_copy()) report.copy = os::duplicate_high(kStandardError);
}

void report_at_exit() {
    const int process = os::process_id();
    if (options.stats_process && options.stats_process != static_cast<size_t>(process)) return;
    if (report.reported_by.exchange(process) == process) return;
    Snapshot snapshot;
    read_snapshot(snapshot);
    *options.stats_file ? report_to_file(snapshot) : report_to_standard_error(snapshot);
}

}  // namespace tarn
