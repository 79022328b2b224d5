// SPDX-License-Identifier: MIT
// Chooses the writer, and collects a whole report so that it reaches its descriptor in one piece.
#include "stats/report.h"

#include <errno.h>

#include "base/os.h"
#include "base/output.h"
#include "stats/monotone.h"

namespace tarn {

namespace {

// Holds the largest report (96 classes in Prometheus' format take 70 KiB); untouched pages cost nothing.
constexpr size_t kCollected = size_t{256} << 10;

struct Collected {
    Output& output;
    char* buffer;  // NULL: no memory, pieces go straight to the descriptor
    size_t used = 0;

    void flush() {
        output.write(buffer, used);
        used = 0;
    }
};

constinit Monotone shown;  // by the reports in Prometheus' format

void write_scrape(Text& text, const Snapshot& snapshot, const Process& process) {
    Snapshot held = snapshot;
    shown.hold(held);
    write_prometheus(text, held, process);
}

void collect(void* context, const char* text, size_t length) {
    Collected& report = *static_cast<Collected*>(context);
    if (!report.buffer) return Output::sink(&report.output, text, length);
    if (report.used + length > kCollected) report.flush();
    __builtin_memcpy(report.buffer + report.used, text, length);
    report.used += length;
}

}  // namespace

void write_report(Text& text, const Snapshot& snapshot, StatsFormat format) {
    const char* name = program_invocation_short_name;
    const Process process{name ? name : "", os::process_id()};
    switch (format) {
        case StatsFormat::kNone:
            return;
        case StatsFormat::kText:
            return write_text(text, snapshot, process);
        case StatsFormat::kJson:
            return write_json(text, snapshot, process);
        case StatsFormat::kPrometheus:
            return write_scrape(text, snapshot, process);
    }
}

bool send_report(Output& output, const Snapshot& snapshot, StatsFormat format) {
    Collected report{output, static_cast<char*>(os::map(kCollected))};
    {
        Text text(collect, &report);
        write_report(text, snapshot, format);
    }
    report.flush();
    if (report.buffer) os::unmap(report.buffer, kCollected);
    return output.complete();
}

bool send_report(int fd, const Snapshot& snapshot, StatsFormat format) {
    Output output(fd, Output::Waits::kAsWrite);
    return send_report(output, snapshot, format);
}

}  // namespace tarn
