// SPDX-License-Identifier: MIT
#include "cli/compare/rounds.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <system_error>

#include "cli/compare/figures.h"
#include "measure/statistics.h"

namespace tarn::cli {

std::vector<size_t> order_of(size_t round, size_t count) {
    std::vector<size_t> order;
    for (size_t i = 0; i < count; ++i)
        order.push_back((round + i) % count);
    if (round % 2 != 0) std::reverse(order.begin() + 1, order.end());
    return order;
}

namespace {

constexpr double kLeastLimit = 60, kSlowness = 20;  // a run may take so many times as long as with glibc
constexpr int kSeldomFrom = 30;  // rounds; from here on it is asked every tenth whether they are precise

class Rounds {
  public:
    Rounds(const Plan& plan, Results* results, const std::function<void(const std::string&)>& progress)
        : plan_(plan),
          results_(*results),
          progress_(progress),
          task_(plan.task),
          begin_(measure::seconds_now()) {}

    void measure() {
        try {
            warm_up();
            while (!enough())
                round();
        } catch (const measure::Interrupted&) {
            results_.stopped = Stopped::kInterrupted;
        }
        progress_("");
        results_.seconds = measure::seconds_now() - begin_;
        results_.rounds = results_.series.front().runs.size();
    }

  private:
    Series& reference() { return results_.series.front(); }

    measure::Taken run(const Series& series) {
        if (measure::Interrupts::asked()) throw measure::Interrupted{};
        task_.start.environment = environment_of(series.allocator);
        const char* input = plan_.input.empty() ? "/dev/null" : plan_.input.c_str();
        int file = open(input, O_RDONLY | O_CLOEXEC);
        if (file < 0) throw std::system_error(errno, std::generic_category(), input);
        task_.start.input = file;
        try {
            measure::Taken taken = measure::run(task_, plan_.meter);
            close(file);
            return taken;
        } catch (...) {
            close(file);
            throw;
        }
    }

    // Each runs once without being counted: files and memory are as a run leaves them from then on.
    void warm_up() {
        for (Series& series : results_.series) {
            progress_(fmt::format("warm-up: {}", series.allocator.name));
            measure::Taken taken = run(series);
            if (&series == &reference()) judge_reference(taken);
            series.failure = failure_of(taken);
            if (&series == &reference()) digests_ = {taken.digest};
        }
    }

    void judge_reference(const measure::Taken& taken) {
        status_ = taken.status;
        task_.limit = std::max(kLeastLimit, kSlowness * (measure::seconds_now() - begin_));
        if (std::string failure = failure_of(taken); !failure.empty())
            throw std::runtime_error(
                fmt::format("{} fails with glibc's malloc, too: {}{}; there is nothing to compare",
                            results_.command.front(), failure, last_line(taken)));
    }

    std::string failure_of(const measure::Taken& taken) const {
        if (!taken.failure.empty()) return taken.failure + last_line(taken);
        bool is_refused = taken.errors.find("cannot be preloaded") != std::string::npos ||
                          (taken.errors.find("tarn: ") != std::string::npos &&
                           taken.errors.find("map serves") != std::string::npos);
        if (is_refused) return "it could not be loaded" + last_line(taken);
        if (taken.signal != 0)
            return fmt::format("{} ended by signal {} ({})",
                               results_.load.empty() ? "it was" : "it or its load was", taken.signal,
                               strsignal(taken.signal)) +
                   last_line(taken);
        if (taken.status != status_)
            return fmt::format("exit status {}, with glibc {}", taken.status, status_) + last_line(taken);
        if (task_.metric && !taken.metric) return "nothing in its output matches --metric";
        return "";
    }

    static std::string last_line(const measure::Taken& taken) {
        std::string text = taken.errors.substr(0, taken.errors.find_last_not_of('\n') + 1);
        text = text.substr(text.rfind('\n') + 1);
        return text.empty() ? "" : ": " + text;
    }

    void round() {
        size_t count = results_.series.size(), number = reference().runs.size();
        for (size_t place : order_of(number, count)) {
            Series& series = results_.series[place];
            if (!series.failure.empty()) continue;
            progress_(fmt::format("round {}, {}{}", number + 1, series.allocator.name, precision()));
            measure::Taken taken = run(series);
            series.failure = failure_of(taken);
            if (!reference().failure.empty())
                throw std::runtime_error(
                    fmt::format("{} does not end in the same way each time, with glibc: {}",
                                results_.command.front(), reference().failure));
            series.runs.push_back(taken);
        }
        compare_outputs();
    }

    std::string precision() const {
        if (reference_values().size() < 2) return "";
        return fmt::format(", factors known to {:.1f} %", 100 * widest());
    }
    std::vector<double> reference_values() const {
        return values(results_.series.front(), compared(results_));
    }

    double widest() const {
        double most = 0;
        std::vector<double> of_reference = reference_values();
        for (const Series& series : results_.series) {
            if (&series == &results_.series.front() || !series.failure.empty()) continue;
            measure::Interval found =
                measure::factor(values(series, compared(results_)), of_reference, measure::kUsualDoubt);
            most = std::max(most, found.half() / found.middle);
        }
        return most;
    }

    // Only what is the same from run to run with glibc can be told to differ with another.
    void compare_outputs() {
        if (results_.output != Output::kSame) return;
        digests_.push_back(reference().runs.back().digest);
        if (digests_.back() != digests_.front()) {
            results_.output = Output::kVaries;
            for (Series& series : results_.series)
                if (series.failure == kOtherOutput) series.failure.clear();
            return;
        }
        for (Series& series : results_.series)
            if (series.failure.empty() && series.runs.back().digest != digests_.front())
                series.failure = kOtherOutput;
    }

    bool enough() {
        size_t done = reference().runs.size();
        double seconds = measure::seconds_now() - begin_;
        if (plan_.rounds != 0) {
            results_.stopped = Stopped::kFixed;
            return done >= plan_.rounds;
        }
        if (done < kFewestRounds) return false;
        if (done >= kMostRounds || seconds >= plan_.most_seconds) {
            results_.stopped = seconds >= plan_.most_seconds ? Stopped::kTime : Stopped::kRounds;
            return true;
        }
        results_.stopped = Stopped::kPrecise;
        return (done < kSeldomFrom || done % 10 == 0) && widest() <= measure::kPrecise;
    }

    const Plan& plan_;
    Results& results_;
    const std::function<void(const std::string&)>& progress_;
    measure::Task task_;
    double begin_;
    int status_ = 0;
    std::vector<uint64_t> digests_;
};

}  // namespace

void measure_rounds(const Plan& plan, Results* results,
                    const std::function<void(const std::string&)>& progress) {
    Rounds(plan, results, progress).measure();
}

}  // namespace tarn::cli
