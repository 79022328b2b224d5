// SPDX-License-Identifier: MIT
// The report of this process.
#pragma once
#include "report/report.h"
#include "stats/stats.h"

namespace tarn {

class Output;

// The options in force, as a report takes them; what does not fit is cut off.
class OptionValues {
  public:
    OptionValues();
    OptionValues(const OptionValues&) = delete;
    OptionValues& operator=(const OptionValues&) = delete;
    const OptionValue* first() const { return values_; }
    int count() const { return option_count(); }

  private:
    static void take(void* self, const char* text, size_t length);

    size_t used_ = 0;
    OptionValue values_[kOptionsMost];
    char text_[sizeof options.backend + sizeof options.stats_file + kRecordPathMost + 32 * kOptionsMost];
};

void write_own_report(Text& text, const Snapshot& snapshot, StatsFormat format);

// The same, to a descriptor and by a single write where a buffer can be mapped, so that the reports of
// processes that end together do not mix. False when the descriptor did not take all of it.
bool send_own_report(Output& output, const Snapshot& snapshot, StatsFormat format);
// As write(2) would where the descriptor blocks (output.h).
bool send_own_report(int fd, const Snapshot& snapshot, StatsFormat format);

}  // namespace tarn
