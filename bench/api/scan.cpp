// SPDX-License-Identifier: MIT
// The scanner against libc's and the standard library's functions, and GLib's hash. Each search goes through
// the whole input: what is looked for stands at its end. CASE is what is done and the bytes per call; "csv"
// goes through 1 MB of fields of 0 to 15 bytes. tarn_sse4.2 and tarn_scalar are tarn's other versions.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>

#include "tarn/scan.hpp"
#if __has_include(<glib.h>)
#include <glib.h>
#endif

namespace {

using benchmark::State;
using std::string_view;

constexpr const char* kFew = ",;\"\n";
constexpr const char* kMany = "0123456789,;\"\n{}[]()<>&|!?";
constexpr const char* kLetters = "abcdefghijklmnopqrstuvwxyz";

// Letters only, then a line feed; terminated, as libc's functions need it.
std::string letters(std::size_t length) {
    std::mt19937 random(1);
    std::string text(length, '\n');
    for (std::size_t i = 0; i + 1 < length; ++i)
        text[i] = kLetters[random() % 26];
    return text;
}

std::string fields() {
    std::mt19937 random(2);
    std::string text;
    while (text.size() < 1000000)
        text.append(letters(1 + random() % 16)).back() = random() % 8 ? ',' : '\n';
    return text;
}

// A function of the whole text, and what it must give.
using Function = std::function<std::size_t(const std::string& text)>;

void run(State& state, const std::string& text, const Function& function, std::size_t wanted,
         const char* version) {
    if (tarn_scan_select(version) != 0) return state.SkipWithError("not on this processor");
    for (auto _ : state) {
        const std::string* seen = &text;
        benchmark::DoNotOptimize(seen);
        std::size_t found = function(*seen);
        benchmark::DoNotOptimize(found);
        if (wanted != found) return state.SkipWithError("a wrong result");
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
    tarn_scan_select(nullptr);
}

struct Case {
    std::string name;
    const std::string* text;
    std::size_t wanted;

    const Case& peer(const char* who, const Function& function, const char* version = nullptr) const {
        benchmark::RegisterBenchmark((who + ("/" + name)).c_str(),
                                     [text = text, wanted = wanted, function, version](State& state) {
                                         run(state, *text, function, wanted, version);
                                     });
        return *this;
    }
    const Case& tarn(const Function& function) const {
        peer("tarn", function);
        peer("tarn_scalar", function, "scalar");
#ifdef __x86_64__
        peer("tarn_sse4.2", function, "sse4.2");
#endif
        return *this;
    }
};

std::size_t position(const char* found, const std::string& text) {
    return found ? static_cast<std::size_t>(found - text.data()) : text.size();
}

std::size_t position(string_view::size_type found, const std::string& text) {
    return found == string_view::npos ? text.size() : found;
}

// The set as a table of 256 flags, which is what careful programs do without SIMD.
struct Table {
    bool member[256] = {};
    explicit Table(string_view set) {
        for (const char byte : set)
            member[static_cast<unsigned char>(byte)] = true;
    }
    std::size_t find(string_view text) const {
        std::size_t i = 0;
        while (i < text.size() && !member[static_cast<unsigned char>(text[i])])
            ++i;
        return i;
    }
};

void add_set(const std::string& text, const std::string& size, const char* name, const char* set) {
    const tarn::ByteSet compiled(set);
    Case{name + size, &text, text.size() - 1}
        .tarn([=](const std::string& t) { return tarn::find_any(t, compiled); })
        .peer("strpbrk", [=](const std::string& t) { return position(std::strpbrk(t.c_str(), set), t); })
        .peer("strcspn", [=](const std::string& t) { return std::strcspn(t.c_str(), set); })
        .peer("std_find_first_of",
              [set = string_view(set)](const std::string& t) {
                  return static_cast<std::size_t>(
                      std::find_first_of(t.begin(), t.end(), set.begin(), set.end()) - t.begin());
              })
        .peer("string_view", [=](const std::string& t) { return position(t.find_first_of(set), t); })
        .peer("table", [table = Table(set)](const std::string& t) { return table.find(t); });
}

void add_searches(const std::string& text, const std::string& size) {
    Case{"find_byte_" + size, &text, text.size() - 1}
        .tarn([](const std::string& t) { return tarn::find_byte(t, '\n'); })
        .peer("memchr",
              [](const std::string& t) {
                  return position(static_cast<const char*>(std::memchr(t.data(), '\n', t.size())), t);
              })
        .peer("std_find", [](const std::string& t) {
            return static_cast<std::size_t>(std::find(t.begin(), t.end(), '\n') - t.begin());
        });
    add_set(text, size, "find_any_of_4_", kFew);
    add_set(text, size, "find_any_of_26_", kMany);
    const tarn::ByteSet compiled(kLetters);
    Case{"find_not_" + size, &text, text.size() - 1}
        .tarn([=](const std::string& t) { return tarn::find_not(t, compiled); })
        .peer("strspn", [](const std::string& t) { return std::strspn(t.c_str(), kLetters); })
        .peer("string_view", [](const std::string& t) { return position(t.find_first_not_of(kLetters), t); });
}

void add_others(const std::string& text, const std::string& size) {
    Case{"count_" + size, &text, static_cast<std::size_t>(std::count(text.begin(), text.end(), 'e'))}
        .tarn([](const std::string& t) { return tarn::count_byte(t, 'e'); })
        .peer("std_count", [](const std::string& t) {
            return static_cast<std::size_t>(std::count(t.begin(), t.end(), 'e'));
        });
    static std::unordered_map<std::size_t, std::string> copies;
    const std::string* copy = &(copies[text.size()] = text);
    copies[text.size()].back() = 'x';
    Case{"mismatch_" + size, &text, text.size() - 1}
        .tarn([=](const std::string& t) { return tarn::mismatch(t, *copy); })
        .peer("std_mismatch", [=](const std::string& t) {
            return static_cast<std::size_t>(std::mismatch(t.begin(), t.end(), copy->begin()).first -
                                            t.begin());
        });
    Case{"equal_" + size, &text, 0}
        .tarn([=](const std::string& t) { return std::size_t{tarn::equal(t, *copy)}; })
        .peer("memcmp", [=](const std::string& t) {
            return std::size_t{std::memcmp(t.data(), copy->data(), t.size()) == 0};
        });
    Case{"hash_" + size, &text, tarn::hash(text)}.peer("tarn",
                                                       [](const std::string& t) { return tarn::hash(t); });
    Case{"hash_" + size, &text, std::hash<std::string>()(text)}.peer(
        "std_hash", [](const std::string& t) { return std::hash<std::string>()(t); });
#if __has_include(<glib.h>)
    Case{"hash_" + size, &text, g_str_hash(text.c_str())}.peer(
        "g_str_hash", [](const std::string& t) { return std::size_t{g_str_hash(t.c_str())}; });
#endif
}

template <typename Find>
std::size_t count_pieces(string_view text, Find find) {
    std::size_t pieces = 0;
    while (!text.empty()) {
        const std::size_t length = find(text);
        ++pieces;
        text.remove_prefix(std::min(length + 1, text.size()));
    }
    return pieces;
}

void add_fields(const std::string& text, const tarn::PaddedText& padded) {
    const tarn::ByteSet set(kFew);
    const std::size_t pieces = count_pieces(text, [&](string_view t) { return tarn::find_any(t, set); });
    Case{"csv_fields", &text, pieces}
        .tarn([=](const std::string& t) {
            return count_pieces(t, [&](string_view rest) { return tarn::find_any(rest, set); });
        })
        .peer("tarn_padded",
              [=](const std::string&) {
                  return count_pieces(padded.view(), [&](string_view rest) {
                      return tarn::find_any(tarn::PaddedText::promised(rest), set);
                  });
              })
        .peer("strcspn",
              [](const std::string& t) {
                  return count_pieces(t, [](string_view rest) { return std::strcspn(rest.data(), kFew); });
              })
        .peer("string_view",
              [](const std::string& t) {
                  return count_pieces(t, [&](string_view rest) { return rest.find_first_of(kFew); });
              })
        .peer("table", [table = Table(kFew)](const std::string& t) {
            return count_pieces(t, [&](string_view rest) { return table.find(rest); });
        });
}

}  // namespace

int main(int argc, char** argv) {
    static const std::string texts[] = {letters(6),    letters(16),    letters(40),
                                        letters(1000), letters(30000), letters(10000000)};
    for (const std::string& text : texts) {
        add_searches(text, std::to_string(text.size()));
        add_others(text, std::to_string(text.size()));
    }
    static const std::string csv = fields();
    static tarn::AlignedBuffer<char> buffer;
    buffer.append(csv);
    add_fields(csv, tarn::PaddedText(buffer));
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
}
