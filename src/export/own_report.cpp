// SPDX-License-Identifier: MIT
#include "export/own_report.h"

#include <errno.h>

#include "base/output.h"
#include "os/os.h"
#include "report/monotone.h"

namespace tarn {

namespace {

// Holds the largest report (96 classes in Prometheus' format take 70 KiB); untouched pages cost nothing.
constexpr size_t kBufferSize = size_t{256} << 10;

struct ReportBuffer {
    Output& output;
    char* buffer;  // NULL: no memory, pieces go straight to the descriptor
    size_t used = 0;

    void flush() {
        output.write(buffer, used);
        used = 0;
    }
};

constinit Monotone shown;  // by the reports in Prometheus' format

void append(void* context, const char* text, size_t length) {
    ReportBuffer& report = *static_cast<ReportBuffer*>(context);
    if (!report.buffer) return Output::sink(&report.output, text, length);
    if (report.used + length > kBufferSize) report.flush();
    __builtin_memcpy(report.buffer + report.used, text, length);
    report.used += length;
}

}  // namespace

OptionValues::OptionValues() {
    for (int i = 0; i < count(); ++i) {
        values_[i] = {option_name(i), text_ + used_, option_given(i)};
        {
            Text text(take, this);
            print_option(text, i);
        }
        text_[used_++] = 0;
    }
}

void OptionValues::take(void* self, const char* text, size_t length) {
    OptionValues& values = *static_cast<OptionValues*>(self);
    for (size_t i = 0; i < length && values.used_ + kOptionsMost < sizeof values.text_; ++i)
        values.text_[values.used_++] = text[i];
}

void write_own_report(Text& text, const Snapshot& snapshot, StatsFormat format) {
    const char* name = program_invocation_short_name;
    const OptionValues values;
    const auto write = [&](const Snapshot& stats) {
        write_report(text,
                     {stats, TARN_VERSION, name ? name : "", os::process_id(), values.first(),
                      static_cast<size_t>(values.count())},
                     format);
    };
    if (format != StatsFormat::kPrometheus) return write(snapshot);
    Snapshot held = snapshot;
    shown.hold(held);
    write(held);
}

bool send_own_report(Output& output, const Snapshot& snapshot, StatsFormat format) {
    ReportBuffer report{output, static_cast<char*>(os::map(kBufferSize))};
    {
        Text text(append, &report);
        write_own_report(text, snapshot, format);
    }
    report.flush();
    if (report.buffer) os::unmap(report.buffer, kBufferSize);
    return output.complete();
}

bool send_own_report(int fd, const Snapshot& snapshot, StatsFormat format) {
    Output output(fd, Output::Waits::kAsWrite);
    return send_own_report(output, snapshot, format);
}

}  // namespace tarn
