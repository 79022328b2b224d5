// SPDX-License-Identifier: MIT
// A part of the load's data, and the requests that change it. One thread at a time has a shard, another one later:
// what happens to it depends on its own random numbers and on the plan, never on who is faster.
#pragma once
#include "memory.h"
#include "plan.h"

namespace drift {

constexpr size_t kShards = 16;
constexpr size_t kRequests = 250;  // of a shard, in a step
// Of all shards together, at the usual level.
constexpr double kCacheBytes = 70 * kMiB, kSessionBytes = 40 * kMiB, kIndexBytes = 30 * kMiB;

class Shard {
  public:
    void begin(size_t number) {
        number_ = number;
        random_ = bench::Random(number + 1);
    }

    void step(const Plan& plan, Count& count) {
        end_superseded(count);
        for (size_t i = 0; i < kRequests; ++i)
            request(plan, count);
        if ((plan.step() + number_ * kPhase / kShards) % kPhase == 0) rebuild(plan, count);
    }

    void end(Count& count) {
        end_superseded(count);
        index_.end(count, random_);
        while (cache_.size() > 0)
            evict(count, cache_.size() - 1);
        cache_.clear(count);
        while (sessions_.size() > 0)
            end_session(count, sessions_.size() - 1);
        sessions_.clear(count);
    }

  private:
    struct Entry {  // of the cache
        Item self, key, value;
        size_t born;
    };
    struct Session {
        Group group;
        size_t requests;  // until it ends
    };

    // What a request needs for itself is gone at its end; what it leaves lies in between.
    void request(const Plan& plan, Count& count) {
        Item own[16];
        const size_t number = random_.between(4, 16);
        for (size_t i = 0; i < number; ++i) {
            own[i] = take(count, plan.session_objects().draw(random_));
            if (i == 2) serve_session(plan, count);
            if (i == 3 && random_.below(100) < plan.inserts_of_100()) insert(plan, count);
        }
        const bool last_first = random_.below(2) == 0;
        for (size_t i = 0; i < number; ++i)
            give(count, own[last_first ? number - 1 - i : i]);
    }

    void serve_session(const Plan& plan, Count& count) {
        const auto target = static_cast<long>(kSessionBytes / kShards * plan.level());
        if (sessions_.size() == 0 || session_bytes_ < target) begin_session(plan, count);
        while (session_bytes_ > target + target / 8)
            end_session(count, random_.below(sessions_.size()));
        if (sessions_.size() == 0) return;
        const size_t i = random_.below(sessions_.size());
        Group& group = sessions_[i].group;
        const long before = group.bytes;
        for (size_t more = random_.between(1, 4); more > 0; --more)
            group.add(count, plan.session_objects().draw(random_));
        if (random_.below(3) == 0) group.drop(count, random_.below(group.items.size()));
        session_bytes_ += group.bytes - before;
        if (--sessions_[i].requests == 0) end_session(count, i);
    }
    // Lifetimes with a long tail: the mean of four is four times the median.
    void begin_session(const Plan& plan, Count& count) {
        static const bench::Pareto parts(0.25 * 1024, 64 * 1024, 1.2);
        const double part = static_cast<double>(parts.draw(random_)) / 1024;
        sessions_.add(count, {{}, static_cast<size_t>(part * plan.session_mean()) + 1});
    }
    void end_session(Count& count, size_t i) {
        Session session = sessions_.take_out(count, i);
        session_bytes_ -= session.group.bytes;
        session.group.end(count, random_);
    }

    void insert(const Plan& plan, Count& count) {
        Entry entry;
        entry.key = take(count, plan.keys().draw(random_));
        entry.self = take(count, 72);
        entry.value = take(count, plan.values().draw(random_));
        entry.born = inserted_++;
        cache_bytes_ += bytes_of(entry);
        cache_.add(count, entry);
        const auto target = static_cast<long>(kCacheBytes / kShards * plan.level());
        while (cache_bytes_ > target)
            evict(count, oldest_of_five());
    }
    size_t oldest_of_five() {
        size_t oldest = random_.below(cache_.size());
        for (int i = 1; i < 5; ++i) {
            const size_t other = random_.below(cache_.size());
            if (cache_[other].born < cache_[oldest].born) oldest = other;
        }
        return oldest;
    }
    void evict(Count& count, size_t i) {
        const Entry entry = cache_.take_out(count, i);
        cache_bytes_ -= bytes_of(entry);
        give(count, entry.key);
        give(count, entry.value);
        give(count, entry.self);
    }
    static long bytes_of(const Entry& entry) {
        return static_cast<long>(entry.key.size + entry.value.size + entry.self.size);
    }

    // The old generation is there until the next step.
    void rebuild(const Plan& plan, Count& count) {
        superseded_ = index_;
        index_ = {};
        const auto target = static_cast<long>(kIndexBytes / kShards * plan.level());
        while (index_.bytes < target)
            index_.add(count, plan.index_objects().draw(random_));
    }
    void end_superseded(Count& count) {
        superseded_.end(count, random_);
        superseded_ = {};
    }

    size_t number_ = 0, inserted_ = 0;
    bench::Random random_{0};
    Table<Entry> cache_;
    Table<Session> sessions_;
    Group index_, superseded_;
    long cache_bytes_ = 0, session_bytes_ = 0;
};

// Work that is done now and then, on its own, by a thread of its own: it takes much, holds it, and frees it.
class Job {
  public:
    static constexpr size_t kEvery = 400, kGrows = 20, kHolds = 30;  // steps
    static constexpr long kBytes = 2 << 20;                          // with each step that it grows

    static bool due(size_t step) { return step % kEvery <= kHolds + 1; }

    void step(const Plan& plan, Count& count) {
        const size_t at = plan.step() % kEvery;
        if (at < kGrows) {
            for (const long target = group_.bytes + kBytes; group_.bytes < target;)
                group_.add(count, plan.values().draw(random_));
        } else if (at > kHolds) {
            end(count);
        }
    }
    void end(Count& count) {
        group_.end(count, random_);
        group_ = {};
    }

  private:
    Group group_;
    bench::Random random_{99};
};

}  // namespace drift
