// SPDX-License-Identifier: MIT
// Interning against what is used for it today: std::unordered_set<std::string> looked up by string_view (with
// a lock, and without), GLib's g_intern_string and g_string_chunk_insert_const, Boost.Flyweight with and
// without its lock. All of them have their memory from libtarn's malloc.
//   hit_N_strings      a string that is present, of a table of N, drawn at random; 14 bytes each
//   hit_N_bytes        the same with 1,000 strings of N bytes
//   hit_threads        1,000 strings, from one thread and from two
//   build_N            a table of N different strings, made and dropped; bytes_each is what a string takes
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "tarn/interner.hpp"
#include "tarn/statistics.h"
#if __has_include(<boost/flyweight.hpp>)
#include <boost/flyweight.hpp>
#include <boost/flyweight/hashed_factory.hpp>
#include <boost/flyweight/no_locking.hpp>
#include <boost/flyweight/no_tracking.hpp>
#define HAVE_FLYWEIGHT 1
#endif
#if __has_include(<glib.h>)
#include <glib.h>
#define HAVE_GLIB 1
#endif

namespace {

using benchmark::State;

// Each kind: intern(text) gives the address of the text that is kept. Text is terminated.

class Tarn {
  public:
    const char* intern(std::string_view text) { return table_.intern(text).c_str(); }

  private:
    tarn::Interner table_;
};

// A reference to each of the first strings is kept; the others go at once.
class Counted {
  public:
    explicit Counted(size_t kept = 0) { kept_.reserve(kept); }
    const char* intern(std::string_view text) {
        const tarn::CountedSymbol symbol = table_.intern(text);
        if (kept_.size() < kept_.capacity()) kept_.push_back(symbol);
        return symbol.c_str();
    }

  private:
    tarn::CountedInterner table_;
    std::vector<tarn::CountedSymbol> kept_;
};

struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using Set = std::unordered_set<std::string, TextHash, std::equal_to<>>;

class StdSet {
  public:
    const char* intern(std::string_view text) {
        const auto found = set_.find(text);
        return (found != set_.end() ? found : set_.emplace(text).first)->c_str();
    }

  private:
    Set set_;
};

class LockedSet {
  public:
    const char* intern(std::string_view text) {
        const std::lock_guard guard(mutex_);
        return set_.intern(text);
    }

  private:
    std::mutex mutex_;
    StdSet set_;
};

#ifdef HAVE_GLIB
struct GlibIntern {  // one table for the process
    const char* intern(std::string_view text) { return g_intern_string(text.data()); }
};

class GlibChunk {
  public:
    const char* intern(std::string_view text) {
        return g_string_chunk_insert_const(chunk_.get(), text.data());
    }

  private:
    struct Free {
        void operator()(GStringChunk* chunk) const { g_string_chunk_free(chunk); }
    };
    std::unique_ptr<GStringChunk, Free> chunk_{g_string_chunk_new(4096)};
};
#endif

#ifdef HAVE_FLYWEIGHT
// Without tracking a string stays for ever: what Interner does as well. One table for the process.
template <class... Policy>
struct Flyweight {
    using Value = boost::flyweight<std::string, boost::flyweights::no_tracking, Policy...>;
    const char* intern(std::string_view text) { return Value(text.data(), text.size()).get().c_str(); }
};
using FlyweightLocked = Flyweight<>;
using FlyweightUnlocked = Flyweight<boost::flyweights::no_locking>;
#endif

// `length` bytes each, all different, and differing in their last bytes as names do.
std::vector<std::string> words(size_t count, size_t length) {
    std::vector<std::string> made;
    for (size_t i = 0; i < count; ++i) {
        char number[32];
        snprintf(number, sizeof number, "%zx", i);
        std::string word(length, '_');
        const std::string_view digits(number);
        word.replace(length - digits.size(), digits.size(), digits);
        made.push_back(word);
    }
    return made;
}

// The order of look-ups; the same for everybody. The texts lie apart from the table's.
std::vector<std::string_view> drawn(const std::vector<std::string>& from) {
    std::mt19937 random(7);
    std::vector<std::string_view> order(size_t{1} << 16);
    for (std::string_view& text : order)
        text = from[random() % from.size()];
    return order;
}

template <class Kind>
void hits(State& state, Kind& kind, const std::vector<std::string>& all) {
    const std::vector<std::string_view> order = drawn(all);
    for (const std::string& word : all) {
        const char* kept = kind.intern(word);
        if (kept == word.c_str() || kept != kind.intern(std::string(word)) || word != kept) std::abort();
    }
    size_t at = 0;
    for (auto _ : state) {
        const char* kept = kind.intern(order[at++ & (order.size() - 1)]);
        benchmark::DoNotOptimize(kept);
    }
}

template <class Kind>
void hit_strings(State& state, size_t count, size_t length) {
    Kind kind;
    hits(state, kind, words(count, length));
}

void hit_counted(State& state, size_t count, size_t length) {
    Counted kind(2 * count);  // each is interned twice before the clock runs
    hits(state, kind, words(count, length));
}

template <class Kind>
void hit_threads(State& state) {
    static Kind kind;
    hits(state, kind, words(1000, 14));
}

uint64_t live_bytes() {
    tarn_stats stats;
    return tarn_stats_get(&stats, sizeof stats) == 0 ? stats.live_bytes : 0;
}

// What a string takes, its share of the table included, as tarn's malloc counts it.
template <class Kind>
double bytes_each(const std::vector<std::string>& all) {
    const uint64_t before = live_bytes();
    Kind kind;
    for (const std::string& word : all)
        benchmark::DoNotOptimize(kind.intern(word));
    return static_cast<double>(live_bytes() - before) / static_cast<double>(all.size());
}

template <class Kind>
void build(State& state, size_t count) {
    const std::vector<std::string> all = words(count, 14);
    state.counters["bytes_each"] = bytes_each<Kind>(all);
    for (auto _ : state) {
        Kind kind;
        for (const std::string& word : all)
            benchmark::DoNotOptimize(kind.intern(word));
    }
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * count));
}

template <class Kind>
void register_hits(const std::string& name) {
    for (const size_t count : {10, 1000, 100000})
        benchmark::RegisterBenchmark((name + "/hit_" + std::to_string(count) + "_strings").c_str(),
                                     hit_strings<Kind>, count, size_t{14});
    for (const size_t length : {4, 8, 32, 64, 256})
        benchmark::RegisterBenchmark((name + "/hit_" + std::to_string(length) + "_bytes").c_str(),
                                     hit_strings<Kind>, size_t{1000}, length);
}

template <class Kind>
void register_threads(const std::string& name) {
    for (const int threads : {1, 2})
        benchmark::RegisterBenchmark((name + "/hit_threads").c_str(), hit_threads<Kind>)
            ->Threads(threads)
            ->UseRealTime();
}

template <class Kind>
void register_builds(const std::string& name) {
    for (const size_t count : {10, 100000})
        benchmark::RegisterBenchmark((name + "/build_" + std::to_string(count)).c_str(), build<Kind>, count);
}

void register_all() {
    register_hits<Tarn>("tarn");
    register_hits<StdSet>("unordered_set");
    register_threads<Tarn>("tarn");
    register_threads<LockedSet>("unordered_set_locked");
    register_builds<Tarn>("tarn");
    register_builds<StdSet>("unordered_set");
    for (const size_t count : {10, 1000, 100000})
        benchmark::RegisterBenchmark(("tarn_counted/hit_" + std::to_string(count) + "_strings").c_str(),
                                     hit_counted, count, size_t{14});
#ifdef HAVE_GLIB
    register_hits<GlibIntern>("g_intern_string");
    register_hits<GlibChunk>("g_string_chunk");
    register_threads<GlibIntern>("g_intern_string");
    register_builds<GlibChunk>("g_string_chunk");
#endif
#ifdef HAVE_FLYWEIGHT
    register_hits<FlyweightLocked>("flyweight_locked");
    register_hits<FlyweightUnlocked>("flyweight_unlocked");
    register_threads<FlyweightLocked>("flyweight_locked");
#endif
}

}  // namespace

int main(int argc, char** argv) {
    register_all();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
}
