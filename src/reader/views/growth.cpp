// SPDX-License-Identifier: MIT
#include "reader/views/growth.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace tarn::reader {
namespace {

// What counts as growth: made in at least so many of eight equal parts of the time since it was first seen.
constexpr size_t kParts = 8, kFilledLeast = 6;
constexpr uint64_t kSamplesLeast = 12;            // by chance, fewer may lie anywhere
constexpr uint64_t kShortestNs = 10'000'000'000;  // before that, everything grows
constexpr uint64_t kSmallestBytes = 64 << 10;     // in the middle parts
constexpr uint64_t kSmallestShare = 100;          // and one in so many of what is live

struct Born {
    uint64_t time_ns, bytes;
};

struct Seen {
    uint64_t first_ns = UINT64_MAX, last_ns = 0;
    std::vector<Born> born;
};

using Key = std::tuple<std::string, std::string, uint32_t>;

Key key_of(const Place& place) {
    return {place.function, place.file, place.line};
}

uint64_t sum(uint64_t a, uint64_t b) {
    return a + b < a ? UINT64_MAX : a + b;
}

uint64_t between(uint64_t begin, uint64_t end) {
    return end > begin ? end - begin : 0;
}

size_t part_of(uint64_t time, uint64_t begin, uint64_t end, size_t parts) {
    if (time <= begin || end <= begin) return 0;
    double share = static_cast<double>(time - begin) / static_cast<double>(end - begin);
    return std::min(static_cast<size_t>(share * static_cast<double>(parts)), parts - 1);
}

// When each holder was seen, and when what is live of it was made.
std::map<Key, Seen> seen_of(const Record& record, const Profile& profile) {
    std::map<Key, Seen> all;
    std::vector<Seen*> of_stack;
    for (size_t i = 0; i < record.stacks.size(); ++i) {
        Seen& seen = all[key_of(holder_of(record, profile, profile.traces[i]))];
        seen.first_ns = std::min(seen.first_ns, record.stacks[i].first_seen_ns);
        seen.last_ns = std::max(seen.last_ns, record.stacks[i].last_seen_ns);
        of_stack.push_back(&seen);
    }
    for (const Sample& sample : record.samples)
        of_stack[sample.stack]->born.push_back({sample.time_ns, sample.weight.bytes});
    return all;
}

void tell_ages(const Seen& seen, const Growths& all, Growth* growth) {
    uint64_t total = 0;
    for (const Born& born : seen.born) {
        uint64_t& part = growth->born[part_of(born.time_ns, all.begin_ns, all.end_ns, kAgeWindows)];
        part = sum(part, born.bytes);
        total = sum(total, born.bytes);
    }
    growth->samples = seen.born.size();
    growth->seen_ns = between(seen.first_ns, all.end_ns);
    if (seen.born.empty()) return;
    growth->oldest_ns = between(seen.born.front().time_ns, all.end_ns);
    uint64_t older = 0;
    for (const Born& born : seen.born) {
        growth->half_ns = between(born.time_ns, all.end_ns);
        older = sum(older, born.bytes);
        if (older >= total / 2) break;
    }
}

Trend trend_of(const Seen& seen, const Growths& all, uint64_t all_live, Growth* growth) {
    if (growth->samples < kSamplesLeast || growth->seen_ns < kShortestNs) return Trend::kUnknown;
    std::array<uint64_t, kParts> parts = {};
    for (const Born& born : seen.born) {
        uint64_t& part = parts[part_of(born.time_ns, seen.first_ns, all.end_ns, kParts)];
        part = sum(part, born.bytes);
    }
    auto bytes = [&](size_t first, size_t end) {
        uint64_t found = 0;
        for (size_t i = first; i < end; ++i)
            found = sum(found, parts[i]);
        return found;
    };
    uint64_t live = bytes(0, kParts), middle = bytes(1, kParts - 1);
    auto filled =
        static_cast<size_t>(std::count_if(parts.begin(), parts.end(), [](uint64_t n) { return n != 0; }));
    growth->recent_bytes = bytes(kParts - kParts / 4, kParts);
    bool goes_on = growth->recent_bytes != 0 && between(seen.last_ns, all.end_ns) <= growth->seen_ns / 4;
    bool old = bytes(0, kParts / 2) >= live / 5;  // what passes quickly has hardly any
    bool much = middle >= kSmallestBytes && middle >= all_live / kSmallestShare;
    bool long_enough = growth->seen_ns >= between(all.begin_ns, all.end_ns) / 4;
    if (filled >= kFilledLeast && goes_on && old && much && long_enough) {
        double seconds = static_cast<double>(growth->seen_ns) / 1e9 * (kParts - 1) / kParts;
        growth->bytes_per_second = static_cast<double>(bytes(1, kParts)) / seconds;
        return Trend::kGrows;
    }
    if (bytes(0, kParts / 4) >= live / 5 * 4) return Trend::kKept;
    if (growth->recent_bytes >= live / 5 * 4) return Trend::kPassing;
    return Trend::kMixed;
}

}  // namespace

Growths growths(const Record& record, const Profile& profile) {
    Growths all;
    all.end_ns = record.last_ns();
    all.begin_ns = all.end_ns;
    for (const Stack& stack : record.stacks)
        all.begin_ns = std::min(all.begin_ns, std::max(stack.first_seen_ns, record.header.started_ns));
    std::map<Key, Seen> seen = seen_of(record, profile);
    for (Holder& holder : holders(record, profile, Measure::kLive)) {
        Seen& its = seen[key_of(holder.place)];
        its.first_ns = std::clamp(its.first_ns, all.begin_ns, all.end_ns);
        std::sort(its.born.begin(), its.born.end(), [](const Born& a, const Born& b) {
            return std::tie(a.time_ns, a.bytes) < std::tie(b.time_ns, b.bytes);
        });
        Growth growth;
        growth.holder = std::move(holder);
        tell_ages(its, all, &growth);
        growth.trend = trend_of(its, all, profile.total.live_bytes, &growth);
        all.holders.push_back(std::move(growth));
    }
    std::stable_sort(all.holders.begin(), all.holders.end(), [](const Growth& a, const Growth& b) {
        return a.bytes_per_second > b.bytes_per_second;
    });
    return all;
}

}  // namespace tarn::reader
