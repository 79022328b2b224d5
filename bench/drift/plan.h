// SPDX-License-Identifier: MIT
// What drifts: sizes, lifetimes, threads, how much is live. The main thread moves it on between steps, the others read.
#pragma once
#include <algorithm>

#include "support.h"

namespace drift {

constexpr size_t kPhase = 300;  // steps
constexpr size_t kThreadsMost = 12;
constexpr double kMiB = 1 << 20;

// A walk at random between two bounds, by a part of their distance at most: slowly, or at once.
struct Walk {
    double low, high, at;
    double most = 8;  // of so many parts, one at a time

    void drift(bench::Random& random) {
        const double part = static_cast<double>(random.between(0, 2000)) / 1000 - 1;  // -1 to 1
        at += part * (high - low) / most;
        if (at < low) at = 2 * low - at;
        if (at > high) at = 2 * high - at;
    }
};

// Sizes of the objects of one kind: most are of a few structures, the others texts and arrays about a median; a few are
// large.
class Sizes {
  public:
    Sizes(double low, double high, double at, bench::Random& random) : median_{low, high, at} {
        for (uint32_t& size : structures_)
            size = structure(random);
        fill();
    }
    void drift(bench::Random& random) {
        median_.drift(random);
        structures_[random.below(kStructures)] = structure(random);
        fill();
    }
    size_t draw(bench::Random& random) const {
        const size_t kind = random.below(1000);
        if (kind < 4) return large().draw(random);
        return kind < 600 ? structures_[kind % kStructures] : texts_[random.below(kTexts)];
    }

  private:
    static constexpr size_t kStructures = 8, kTexts = 512;

    static const bench::Pareto& large() {
        static const bench::Pareto sizes(2 << 10, 128 << 10, 1.1);
        return sizes;
    }
    uint32_t structure(bench::Random& random) const {
        const double about =
            std::exp2(median_.at + static_cast<double>(random.between(0, 3000)) / 1000 - 1.5);
        return std::max(uint32_t{8}, static_cast<uint32_t>(about) / 8 * 8);
    }
    // Logarithms of normal distribution: the sum of twelve numbers between 0 and 1 is near enough.
    void fill() {
        bench::Random random(1);
        for (uint32_t& text : texts_) {
            double sum = -6;
            for (int i = 0; i < 12; ++i)
                sum += static_cast<double>(random.below(1 << 20)) / (1 << 20);
            text = std::max(uint32_t{8}, static_cast<uint32_t>(std::exp2(median_.at + sum)));
        }
    }
    Walk median_;  // logarithms to the base of 2
    uint32_t structures_[kStructures];
    uint32_t texts_[kTexts];
};

class Plan {
  public:
    explicit Plan(size_t steps) : steps_(steps) {}

    // Before each step. The last tenth of all steps is at the usual level: how much is live must not depend on where
    // a run ends.
    void begin(size_t step) {
        step_ = step;
        if (step % kPhase == 0 && step > 0) drift();
        if (steps_ - step == std::max(steps_ / 10, kPhase) + kPhase / 3) turn_to(1);
        const double part = static_cast<double>(step - turned_) / (kPhase / 3.0);
        level_ = part >= 1 ? to_ : from_ + (to_ - from_) * part;
    }
    size_t step() const { return step_; }
    double level() const { return level_; }
    size_t threads() const { return static_cast<size_t>(threads_.at + 0.5); }
    double session_mean() const { return std::exp2(session_.at); }
    size_t inserts_of_100() const { return static_cast<size_t>(std::exp2(inserts_.at)); }

    const Sizes& keys() const { return keys_; }
    const Sizes& values() const { return values_; }
    const Sizes& session_objects() const { return session_objects_; }
    const Sizes& index_objects() const { return index_objects_; }

  private:
    void drift() {
        for (Sizes* sizes : {&keys_, &values_, &session_objects_, &index_objects_})
            sizes->drift(random_);
        for (Walk* walk : {&threads_, &session_, &inserts_})
            walk->drift(random_);
        static constexpr double kLevels[] = {1, 1, 1.3, 0.75};
        const double level = kLevels[random_.below(4)];
        if (steps_ - step_ > std::max(steps_ / 10, kPhase) + kPhase / 3) turn_to(level);
    }
    void turn_to(double level) {
        from_ = level_;
        to_ = level;
        turned_ = step_;
    }

    size_t steps_, step_ = 0, turned_ = 0;
    double level_ = 0, from_ = 0, to_ = 1;
    bench::Random random_{7};
    Sizes keys_{4, 6, 4.5, random_}, values_{5, 11, 7, random_};
    Sizes session_objects_{4.5, 9, 6, random_}, index_objects_{4.5, 8, 5.5, random_};
    Walk threads_{1, kThreadsMost, 4, 3};
    Walk session_{3, 8, 5, 3};    // requests of a session; logarithms to the base of 2
    Walk inserts_{3.5, 7, 6, 3};  // into the cache, of 100 requests; likewise
};

}  // namespace drift
