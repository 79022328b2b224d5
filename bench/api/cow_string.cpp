// SPDX-License-Identifier: MIT
// CowString against std::string and GLib: single operations, and a translator's catalogues as a whole, for
// which the bytes copied are counted, too (counter `copied`, of text per run).
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "catalogue.h"
#include "tarn/cow_string.hpp"
#if __has_include(<glib.h>)
#include <glib.h>
#endif

namespace {

using tarn::CowString;

const std::string kText = [] {
    std::string text;
    while (text.size() < 100)
        text += "some words of a message in small letters ";
    return text.substr(0, 99) + ".";
}();

template <class S>
void share(benchmark::State& state) {
    const S text{std::string_view(kText)};
    for (auto _ : state) {
        S copy(text);
        benchmark::DoNotOptimize(copy);
    }
}
void tarn_slice(benchmark::State& state) {
    const CowString text{std::string_view(kText)};
    for (auto _ : state)
        benchmark::DoNotOptimize(text.substr(10, 50));
}
void std_slice(benchmark::State& state) {
    const std::string text = kText;
    for (auto _ : state)
        benchmark::DoNotOptimize(text.substr(10, 50));
}
void tarn_trim(benchmark::State& state) {
    const CowString text{std::string_view(" " + kText + " ")};
    for (auto _ : state)
        benchmark::DoNotOptimize(text.trim());
}
void std_trim(benchmark::State& state) {
    const std::string text = " " + kText + " ";
    for (auto _ : state)
        benchmark::DoNotOptimize(catalogue::trim(text));
}
void tarn_lower(benchmark::State& state) {
    const CowString text{std::string_view(kText)};
    for (auto _ : state)
        benchmark::DoNotOptimize(text.lower());
}
void std_lower(benchmark::State& state) {
    const std::string text = kText;
    for (auto _ : state)
        benchmark::DoNotOptimize(catalogue::lower(text));
}
void tarn_replace(benchmark::State& state) {
    const CowString text{std::string_view(kText)};
    for (auto _ : state)
        benchmark::DoNotOptimize(text.replace("{name}", "x"));
}
void std_replace(benchmark::State& state) {
    const std::string text = kText;
    for (auto _ : state)
        benchmark::DoNotOptimize(catalogue::replace(text, "{name}", "x"));
}
void tarn_replace_found(benchmark::State& state) {
    const CowString text{std::string_view(kText)};
    for (auto _ : state)
        benchmark::DoNotOptimize(text.replace("message", "answer"));
}
void std_replace_found(benchmark::State& state) {
    const std::string text = kText;
    for (auto _ : state)
        benchmark::DoNotOptimize(catalogue::replace(text, "message", "answer"));
}
template <class S>
void append(benchmark::State& state) {
    for (auto _ : state) {
        S text;
        for (int i = 0; i < 1000; ++i)
            text.push_back('x');
        benchmark::DoNotOptimize(text);
        if (text.size() != 1000) std::abort();
    }
}
void tarn_split(benchmark::State& state) {
    const CowString text{std::string_view(kText)};
    for (auto _ : state)
        for (CowString word : text.split(" "))
            benchmark::DoNotOptimize(word);
}
void std_split(benchmark::State& state) {
    const std::string text = kText;
    for (auto _ : state)
        catalogue::split(text, ' ', [](std::string word) { benchmark::DoNotOptimize(word); });
}

BENCHMARK(share<CowString>)->Name("tarn/share-100");
BENCHMARK(share<std::string>)->Name("std/share-100");
BENCHMARK(tarn_slice)->Name("tarn/slice-50");
BENCHMARK(std_slice)->Name("std/slice-50");
BENCHMARK(tarn_trim)->Name("tarn/trim-100");
BENCHMARK(std_trim)->Name("std/trim-100");
BENCHMARK(tarn_lower)->Name("tarn/lower-unchanged-100");
BENCHMARK(std_lower)->Name("std/lower-unchanged-100");
BENCHMARK(tarn_replace)->Name("tarn/replace-absent-100");
BENCHMARK(std_replace)->Name("std/replace-absent-100");
BENCHMARK(tarn_replace_found)->Name("tarn/replace-found-100");
BENCHMARK(std_replace_found)->Name("std/replace-found-100");
BENCHMARK(append<CowString>)->Name("tarn/append-1000");
BENCHMARK(append<std::string>)->Name("std/append-1000");
BENCHMARK(tarn_split)->Name("tarn/split-100");
BENCHMARK(std_split)->Name("std/split-100");

#if __has_include(<glib.h>)
void glib_share(benchmark::State& state) {
    char* const text = g_ref_string_new_len(kText.data(), static_cast<gssize>(kText.size()));
    for (auto _ : state) {
        char* copy = g_ref_string_acquire(text);
        benchmark::DoNotOptimize(copy);
        g_ref_string_release(copy);
    }
    g_ref_string_release(text);
}
void glib_slice(benchmark::State& state) {
    for (auto _ : state) {
        char* copy = g_ref_string_new_len(kText.data() + 10, 50);
        benchmark::DoNotOptimize(copy);
        g_ref_string_release(copy);
    }
}
void glib_trim(benchmark::State& state) {
    const std::string text = " " + kText + " ";
    for (auto _ : state) {
        char* copy = g_strstrip(g_strdup(text.c_str()));
        benchmark::DoNotOptimize(copy);
        g_free(copy);
    }
}
void glib_lower(benchmark::State& state) {
    for (auto _ : state) {
        char* copy = g_ascii_strdown(kText.data(), static_cast<gssize>(kText.size()));
        benchmark::DoNotOptimize(copy);
        g_free(copy);
    }
}
void replace_in_gstring(benchmark::State& state, const char* from, const char* to) {
    for (auto _ : state) {
        GString* copy = g_string_new_len(kText.data(), static_cast<gssize>(kText.size()));
        g_string_replace(copy, from, to, 0);
        benchmark::DoNotOptimize(copy->str);
        g_string_free(copy, TRUE);
    }
}
void glib_replace(benchmark::State& state) {
    replace_in_gstring(state, "{name}", "x");
}
void glib_replace_found(benchmark::State& state) {
    replace_in_gstring(state, "message", "answer");
}
void glib_append(benchmark::State& state) {
    for (auto _ : state) {
        GString* text = g_string_new(nullptr);
        for (int i = 0; i < 1000; ++i)
            g_string_append_c(text, 'x');
        benchmark::DoNotOptimize(text->str);
        if (text->len != 1000) std::abort();
        g_string_free(text, TRUE);
    }
}
void glib_split(benchmark::State& state) {
    for (auto _ : state) {
        char** words = g_strsplit(kText.c_str(), " ", 0);
        benchmark::DoNotOptimize(words);
        g_strfreev(words);
    }
}
BENCHMARK(glib_share)->Name("glib/share-100");
BENCHMARK(glib_slice)->Name("glib/slice-50");
BENCHMARK(glib_trim)->Name("glib/trim-100");
BENCHMARK(glib_lower)->Name("glib/lower-unchanged-100");
BENCHMARK(glib_replace)->Name("glib/replace-absent-100");
BENCHMARK(glib_replace_found)->Name("glib/replace-found-100");
BENCHMARK(glib_append)->Name("glib/append-1000");
BENCHMARK(glib_split)->Name("glib/split-100");
#endif

// The whole; its output must be the same.
void check(std::uint64_t output) {
    static const std::uint64_t expected = output;
    if (output != expected) std::abort();
}
void tarn_catalogue(benchmark::State& state) {
    const std::string file = catalogue::make_file();
    const auto before = CowString::counters().bytes_copied;
    for (auto _ : state)
        check(catalogue::run_shared(file));
    state.counters["copied"] = static_cast<double>(CowString::counters().bytes_copied - before) /
                               static_cast<double>(state.iterations());
    state.counters["file"] = static_cast<double>(file.size());
}
template <class Style>
void std_catalogue(benchmark::State& state) {
    using Counting = catalogue::CountingString;
    const std::string file = catalogue::make_file();
    for (auto _ : state)
        check(catalogue::run<std::string, Style>(file));
    const std::uint64_t before = catalogue::CountingTraits::bytes;
    check(catalogue::run<Counting, Style>(file));
    state.counters["copied"] = static_cast<double>(catalogue::CountingTraits::bytes - before);
    state.counters["file"] = static_cast<double>(file.size());
}
BENCHMARK(tarn_catalogue)->Name("tarn/catalogue-2000");
BENCHMARK(std_catalogue<catalogue::ByReference>)->Name("std/catalogue-2000");
BENCHMARK(std_catalogue<catalogue::ByMove>)->Name("std-moved/catalogue-2000");

}  // namespace

BENCHMARK_MAIN();
