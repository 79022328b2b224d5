// SPDX-License-Identifier: MIT
// metrics.h for C++20: scopes and tasks that end with a block of the program. Everything said there holds.
#pragma once
#include <cerrno>
#include <cstdint>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tarn/metrics.h"

namespace tarn {
inline namespace api {

using Metrics = tarn_metrics;

enum class MetricsMode { kSampled = TARN_METRICS_SAMPLED, kExact = TARN_METRICS_EXACT };
enum class MetricsFormat { kText = TARN_METRICS_TEXT, kJson = TARN_METRICS_JSON };

inline std::string to_string(const Metrics& metrics, MetricsFormat format, std::string_view name = {}) {
    const auto chosen = static_cast<tarn_metrics_format>(format);
    std::string text(tarn_metrics_print(&metrics, chosen, name.data(), name.size(), nullptr, 0), '\0');
    tarn_metrics_print(&metrics, chosen, name.data(), name.size(), text.data(), text.size() + 1);
    return text;
}

namespace detail {
[[noreturn]] inline void metrics_failed(const char* what) {
    if (errno == ENOMEM) throw std::bad_alloc();
    throw std::invalid_argument(what);
}
}  // namespace detail

// Counts what the thread does from here to the end of the block. It stays in its place, and on its thread.
// Example:
//     tarn::Metrics work;
//     {
//         tarn::MetricsScope scope(work);
//         std::vector<int> numbers(1000);
//     }
//     std::puts(tarn::to_string(work, tarn::MetricsFormat::kText, "work").c_str());
class MetricsScope {
  public:
    explicit MetricsScope(MetricsMode mode = MetricsMode::kSampled) {
        if (tarn_metrics_begin(&scope_, static_cast<tarn_metrics_mode>(mode)) != 0)
            detail::metrics_failed("tarn: MetricsScope");
    }
    // The result is written to `result` when the scope ends, however it does.
    explicit MetricsScope(Metrics& result, MetricsMode mode = MetricsMode::kSampled) : MetricsScope(mode) {
        result_ = &result;
    }
    ~MetricsScope() { tarn_metrics_end(&scope_, result_, result_ ? sizeof(Metrics) : 0); }
    MetricsScope(const MetricsScope&) = delete;
    MetricsScope& operator=(const MetricsScope&) = delete;

    // So far. std::invalid_argument: on another thread, or when a scope around it has ended.
    Metrics read() const {
        Metrics now;
        if (tarn_metrics_read(&scope_, &now, sizeof now) != 0) detail::metrics_failed("tarn: not open");
        return now;
    }

  private:
    tarn_metrics_scope scope_;
    Metrics* result_ = nullptr;
};

// Counts what several threads do for one purpose.
// Example:
//     tarn::MetricsTask task;
//     {
//         tarn::MetricsTask::Stay stay(task);  // in each of its threads
//         std::vector<int> numbers(1000);
//     }
//     const tarn::Metrics sum = task.read();
class MetricsTask {
  public:
    MetricsTask() : task_(tarn_metrics_task_create()) {
        if (!task_) throw std::bad_alloc();
    }
    ~MetricsTask() { tarn_metrics_task_destroy(task_); }
    MetricsTask(MetricsTask&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
    MetricsTask& operator=(MetricsTask&& other) noexcept {
        std::swap(task_, other.task_);
        return *this;
    }

    // The calling thread works for the task until the end of the block. The task must outlive it.
    class Stay {
      public:
        explicit Stay(MetricsTask& task, MetricsMode mode = MetricsMode::kSampled) : task_(task.task_) {
            if (tarn_metrics_task_enter(task_, &scope_, static_cast<tarn_metrics_mode>(mode)) != 0)
                detail::metrics_failed("tarn: MetricsTask::Stay");
        }
        ~Stay() { tarn_metrics_task_leave(task_, &scope_); }
        Stay(const Stay&) = delete;
        Stay& operator=(const Stay&) = delete;

      private:
        tarn_metrics_task* task_;
        tarn_metrics_scope scope_;
    };

    struct OfThread {
        uint64_t thread;
        Metrics metrics;
    };

    Metrics read() const {
        Metrics sum;
        if (tarn_metrics_task_read(task_, &sum, sizeof sum) != 0) detail::metrics_failed("tarn: MetricsTask");
        return sum;
    }
    // By the order in which the threads first left; nothing for a number that is not taken yet.
    std::optional<OfThread> read_thread(uint32_t number) const {
        OfThread one;
        if (tarn_metrics_task_read_thread(task_, number, &one.thread, &one.metrics, sizeof one.metrics) != 0)
            return std::nullopt;
        return one;
    }
    std::vector<OfThread> read_threads() const {
        std::vector<OfThread> all;
        while (const std::optional<OfThread> one = read_thread(static_cast<uint32_t>(all.size())))
            all.push_back(*one);
        return all;
    }
    tarn_metrics_task* handle() const { return task_; }

  private:
    tarn_metrics_task* task_;
};

}  // namespace api
}  // namespace tarn
