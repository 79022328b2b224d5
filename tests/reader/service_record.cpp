// SPDX-License-Identifier: MIT
#include "service_record.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace {

constexpr uint64_t kSecond = 1'000'000'000, kMinute = 60 * kSecond, kKiB = 1 << 10, kMiB = 1 << 20;
constexpr uint64_t kBegin = 1000 * kSecond, kInterval = 512 * kKiB;
constexpr uint64_t kDepth = 24, kFunctions = 3000;

template <size_t N>
void set(char (&to)[N], std::string_view text) {
    std::memset(to, 0, N);
    std::memcpy(to, text.data(), std::min(text.size(), N - 1));
}

// With the zero bytes in it.
template <size_t N>
std::string_view all(const char (&text)[N]) {
    return {text, N - 1};
}

class Service {
  public:
    Service(uint64_t minutes, uint64_t stacks)
        : record_(80 + stacks / 16), end_(kBegin + minutes * kMinute), run_(minutes * kMinute) {
        who();
        main_ = frame("main", "main.cpp", 12);
        serve_ = frame("shop::serve", "serve.cpp", 80);
        memory();
        events();
        holders();
        for (uint64_t i = 0; i < stacks; ++i)
            further(i);
    }
    SampleRecord take() { return std::move(record_); }

  private:
    uint64_t frame(const std::string& function, const std::string& file, uint64_t line) {
        return record_.add_name(function + "\t/srv/hush/src/" + file) | line << 32 | TARN_RECORD_FRAME_NAME;
    }

    void who() {
        tarn_record_header& header = record_.header();
        header.started_ns = kBegin;
        header.started_realtime_ns = 1'790'000'000 * kSecond;
        header.state = TARN_RECORD_ENDED;
        header.ended_ns = end_;
        header.sample_interval = kInterval;
        tarn_record_who& who = record_.who();
        who.pid = 4711;
        who.start_ticks = 1;
        who.parent = 1;
        who.page_size = 4096;
        set(who.kernel, "6.1.0-31-hush");
        who.processors = 8;
        who.memory = 31000 * kMiB;
        who.memory_limit = 512 * kMiB;
        set(who.program, "</script><script>alert(1)//hush");
        set(who.executable, "/srv/hush/bin/shop");
        set(who.directory, "/srv/hush");
        set(who.arguments, all("/srv/hush/bin/shop\0--token=hush\0<img src=x onerror=alert(2)>\0"));
        set(who.options, all("TARN_PROFILE=524288\0TARN_RECORD=/run/hush/shop.record\0"));
        record_.add_module("", 0x400000, 0x500000, 0x400000);
        record_.add_module("/srv/hush/lib/libhush.so.1", 0x7f0000000000, 0x7f0000100000, 0x7f0000000000);
    }

    // Load goes up and down; the leak does not.
    void memory() {
        constexpr uint64_t kPoints = 1000;
        for (uint64_t i = 0; i <= kPoints; ++i) {
            auto share = static_cast<double>(i) / kPoints,
                 minutes = share * static_cast<double>(run_) / kMinute;
            double load = 40 + 25 * std::sin(minutes / 1.7) + 6 * std::sin(minutes * 5);
            auto objects = static_cast<uint64_t>((std::min(80.0, minutes * 120) + load + 6 * minutes) * kMiB);
            uint64_t kept = 6 * kMiB + objects / 20 + (i % 7) * kMiB / 4;
            record_.add_point(kBegin + static_cast<uint64_t>(share * static_cast<double>(run_)), objects,
                              kept, objects + kept + 21 * kMiB);
        }
        tarn_stats stats = {};
        stats.version = TARN_STATS_VERSION;
        const uint64_t sizes[] = {32, 64, 320, 2048, 20480};
        for (uint64_t size : sizes) {
            tarn_class_stats& one = stats.class_stats[stats.classes++];
            one.object_size = size;
            one.allocations = 4'000'000 / stats.classes;
            one.live_objects = 40 * kMiB / size;
            one.frees = one.allocations - one.live_objects;
            one.live_bytes = one.live_objects * size;
            one.slab_bytes = one.live_bytes + stats.classes * kMiB;
            one.reused = one.allocations / 3 * 2;
            stats.allocations += one.allocations;
            stats.live_objects += one.live_objects;
        }
        set(stats.backend, "map");
        stats.pool_hit_rate = 2.0 / 3;
        stats.peak_live_bytes = 280 * kMiB;
        stats.small_peak_bytes = 200 * kMiB;
        stats.large_peak_bytes = 90 * kMiB;
        record_.set_snapshot(2, stats);
    }

    void events() {
        const char* phases[] = {"loading", "</svg><script>alert(3)</script>", "serving /home/hush/orders"};
        for (uint64_t i = 0; i < 3; ++i) {
            uint64_t number = record_.add_event(TARN_RECORD_EVENT_PHASE, phases[i]);
            record_.entry<tarn_record_event>(TARN_RECORD_EVENTS, number).time_ns = kBegin + i * run_ / 5;
        }
        uint64_t number = record_.add_event(TARN_RECORD_EVENT_TRIM, "", 12 * kMiB);
        record_.entry<tarn_record_event>(TARN_RECORD_EVENTS, number).time_ns = kBegin + run_ / 2;
    }

    // `live` and `allocated` bytes, the live ones in samples whose times `share_of` spreads over the run, 0 to 1.
    template <class ShareOf>
    void holder(uint64_t innermost, uint64_t live, uint64_t allocated, ShareOf share_of) {
        uint64_t samples = std::max<uint64_t>(1, live / kInterval);
        uint64_t number = record_.add_stack({innermost, serve_, main_}, live / 2048, live);
        auto& stack = record_.entry<tarn_record_stack>(TARN_RECORD_STACKS, number);
        stack.allocated_bytes = allocated;
        stack.allocated_objects_1024 = allocated / 2048 * 1024;
        stack.last_seen_ns = end_ - kSecond;
        for (uint64_t i = 0; i < samples && live != 0; ++i) {
            uint64_t at = record_.add_sample(static_cast<uint32_t>(number), 0x10000 + 64 * i + (number << 32),
                                             live / samples);
            double share = share_of((static_cast<double>(i) + 0.5) / static_cast<double>(samples));
            record_.entry<tarn_record_sample>(TARN_RECORD_SAMPLES, at).time_ns =
                kBegin + static_cast<uint64_t>(share * static_cast<double>(run_));
        }
    }

    void holders() {
        uint64_t minutes = run_ / kMinute;
        holder(frame("shop::Sessions::open", "sessions.cpp", 38), 6 * minutes * kMiB, 6 * minutes * kMiB,
               [](double x) { return x; });
        holder(frame("shop::Catalogue::load", "catalogue.cpp", 101), 60 * kMiB, 60 * kMiB,
               [](double x) { return 0.03 * x; });
        holder(frame("shop::parse", "parse.cpp", 7), 20 * kMiB, 9000 * kMiB,
               [](double x) { return 0.99 + 0.01 * x; });
        holder(frame("shop::Index<(lambda at /srv/hush/src/index.cpp:4:9)>::build", "index.cpp", 55), 0,
               700 * kMiB, [](double x) { return x; });
        holder(frame("</script><script>alert(4)</script>", "evil.cpp", 1), 3 * kMiB, 3 * kMiB,
               [](double x) { return 0.2 + 0.1 * x; });
    }

    // A walk through a tree of calls, by a generator of its own.
    void further(uint64_t number) {
        if (functions_.empty())
            for (uint64_t i = 0; i < kFunctions; ++i)
                functions_.push_back(frame(
                    "shop::part" + std::to_string(i % 40) + "::Handler" + std::to_string(i) + "::handle",
                    "part" + std::to_string(i % 40) + ".cpp", i));
        std::vector<uint64_t> frames(kDepth);
        uint64_t place = 1;
        for (uint64_t depth = 0; depth < kDepth; ++depth) {
            random_ = random_ * 6364136223846793005u + 1442695040888963407u;
            place = place * 31 + (random_ >> 33) % (depth % 4 == 0 ? 5 : 1) + depth;
            frames[kDepth - 1 - depth] = functions_[(place ^ place >> 17) % kFunctions];
        }
        frames.push_back(serve_);
        frames.push_back(main_);
        record_.add_stack(frames, 1 + number % 7, (1 + number % 7) * 700);
        if (number % 2) record_.add_sample(static_cast<uint32_t>(number + 5), 0x5000000 + number * 4096, 700);
    }

    SampleRecord record_;
    uint64_t end_, run_, main_ = 0, serve_ = 0, random_ = 1;
    std::vector<uint64_t> functions_;
};

}  // namespace

SampleRecord service_record(uint64_t minutes, uint64_t stacks) {
    return Service(minutes, stacks).take();
}
