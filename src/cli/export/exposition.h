// SPDX-License-Identifier: MIT
// The numbers of many processes as text: in Prometheus' format 0.0.4, and in OpenMetrics 1.0.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "reader/live/crowd.h"

namespace tarn::cli {

enum class Exposition { kPrometheus, kOpenMetrics };

class Exporter {
  public:
    enum class Classes { kLeftOut, kShown };
    explicit Exporter(Classes classes) : classes_(classes) {}

    // After each look of the crowd, before text is made of it.
    void update(const reader::Crowd& crowd);
    std::string text(Exposition exposition) const;
    size_t processes() const { return processes_.size(); }

  private:
    struct Process {
        const reader::Member* member;
        std::string labels;       // without braces
        const tarn_stats* stats;  // null: it is gone, or has not said anything
    };
    const tarn_stats* held(const reader::Member& member);

    Classes classes_;
    std::vector<Process> processes_;
    size_t unreadable_ = 0;
    // The most that each counter has shown: snapshots of running threads may be a few calls apart, and a counter that
    // falls would be taken for a restart.
    std::map<std::shared_ptr<const reader::Input>, tarn_stats> held_;
};

}  // namespace tarn::cli
