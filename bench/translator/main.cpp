// SPDX-License-Identifier: MIT
// translate (--plain | --tarn) [--files N] [--threads N] [--rounds N] [--seed N]
//     translates a generated project N times; prints the time of the first and of the fastest round, peak
//     memory, and, when malloc is tarn's, how often it was called per file in the first round.
// translate --check [--files N] [--threads N] [--seed N] [--spoil SEED]
//     does so once by every translator that the program has, and compares what they write; with --spoil an
//     eighth of the files has a mistake.
// translate --write DIRECTORY [--files N] [--seed N]
//     writes the project, and the C of it, to files.
// Time is that of translation alone: sources are loaded before, and the sink only counts.
#include <dlfcn.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "generator.h"
#include "spoil.h"
#include "support.h"
#include "tarn/statistics.h"
#include "variants.h"

namespace {

using translator::Source;
using translator::Variant;

struct Options {
    const char* variant = nullptr;
    const char* directory = nullptr;
    bool check = false;
    size_t files = 100, threads = 1, rounds = 1, seed = 1, spoil = 0;
};

[[noreturn]] void usage() {
    fputs(
        "usage: translate (--plain | --tarn | --check | --write DIRECTORY) [--files N] [--threads N] "
        "[--rounds N]\n"
        "                 [--seed N] [--spoil SEED]\n",
        stderr);
    exit(2);
}

Options read(char** arguments) {
    Options options;
    const struct {
        const char* name;
        size_t* value;
    } numbers[] = {{"--files", &options.files},
                   {"--threads", &options.threads},
                   {"--rounds", &options.rounds},
                   {"--seed", &options.seed},
                   {"--spoil", &options.spoil}};
    for (++arguments; *arguments; ++arguments) {
        const std::string_view word = *arguments;
        const auto number = std::find_if(std::begin(numbers), std::end(numbers),
                                         [&](const auto& each) { return word == each.name; });
        if (word == "--check") {
            options.check = true;
        } else if (number != std::end(numbers) || word == "--write") {
            const char* const value = *++arguments;
            if (!value) usage();
            if (word == "--write")
                options.directory = value;
            else if (char* end; *number->value = strtoul(value, &end, 10), *end || end == value)
                usage();
        } else {
            options.variant = *arguments;
        }
    }
    const bool one = (options.variant != nullptr) + options.check + (options.directory != nullptr) == 1;
    if (!one || options.threads == 0 || options.rounds == 0) usage();
    return options;
}

// Counts bytes.
class Counter : public translator::Sink {
  public:
    void file(size_t, std::string_view text) override {
        bytes_.fetch_add(text.size(), std::memory_order_relaxed);
    }
    size_t bytes() const { return bytes_; }

  private:
    std::atomic<size_t> bytes_{0};
};

class Keeper : public translator::Sink {
  public:
    explicit Keeper(size_t files) : texts_(files) {}
    void file(size_t index, std::string_view text) override { texts_[index] = text; }
    const std::vector<std::string>& texts() const { return texts_; }

  private:
    std::vector<std::string> texts_;
};

double milliseconds(clockid_t clock) {
    timespec now;
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// Calls of tarn's malloc until now; 0 when it is not in the process.
uint64_t allocations() {
    using Get = int (*)(tarn_stats*, size_t);
    static const Get get = reinterpret_cast<Get>(dlsym(RTLD_DEFAULT, "tarn_stats_get"));
    static tarn_stats stats;
    return get && get(&stats, sizeof stats) == 0 ? stats.allocations : 0;
}

int measure(const Variant& variant, const Options& options, const std::vector<Source>& sources) {
    double first = 0, least = 0, processor = 0;
    uint64_t made = 0;
    size_t bytes = 0;
    for (size_t round = 0; round < options.rounds; ++round) {
        Counter counter;
        const uint64_t before = allocations();
        const double start_processor = milliseconds(CLOCK_PROCESS_CPUTIME_ID);
        const double start = milliseconds(CLOCK_MONOTONIC);
        const translator::Faults faults =
            variant.translate(sources, static_cast<unsigned>(options.threads), counter);
        const double taken = milliseconds(CLOCK_MONOTONIC) - start;
        const double taken_processor = milliseconds(CLOCK_PROCESS_CPUTIME_ID) - start_processor;
        if (round == 0) made = allocations() - before;
        if (!faults.empty()) bench::fail(faults[0].c_str());
        if (round == 0) first = taken;
        least = round == 0 ? taken : std::min(least, taken);
        processor = round == 0 ? taken_processor : std::min(processor, taken_processor);
        bytes = counter.bytes();
    }
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("first %.4f ms\nleast %.4f ms\nprocessor %.4f ms\npeak %ld KiB\n", first, least, processor,
           usage.ru_maxrss);
    if (made)
        printf("allocations %.2f /file\n", static_cast<double>(made) / static_cast<double>(options.files));
    bench::work(bytes, "bytes");
    return 0;
}

int check(const Options& options, const std::vector<Source>& sources) {
    const std::vector<Variant> variants = translator::variants();
    Keeper expected(sources.size());
    const auto threads = static_cast<unsigned>(options.threads);
    const translator::Faults faults = variants[0].translate(sources, threads, expected);
    int status = 0;
    for (size_t i = 1; i < variants.size(); ++i) {
        Keeper found(sources.size());
        const bool same_faults = variants[i].translate(sources, threads, found) == faults;
        if (same_faults && found.texts() == expected.texts()) continue;
        fprintf(stderr, "%s and %s differ in %s\n", variants[0].option, variants[i].option,
                same_faults ? "output" : "faults");
        status = 1;
    }
    for (const std::string& fault : faults)
        puts(fault.c_str());
    size_t bytes = 0;
    for (const std::string& text : expected.texts())
        bytes += text.size();
    printf("translators %zu compared\nfaults %zu files\n", variants.size(), faults.size());
    bench::work(bytes, "bytes");
    return status;
}

void write_file(const std::string& path, std::string_view text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    if (!file.flush()) bench::fail(path.c_str());
}

int write(const Options& options, const std::vector<Source>& sources) {
    Keeper keeper(sources.size());
    translator::variants()[0].translate(sources, 1, keeper);
    for (size_t i = 0; i < sources.size(); ++i) {
        const std::string path = std::string(options.directory) + "/" + std::to_string(i);
        write_file(path + ".source", sources[i].text());
        write_file(path + ".c", keeper.texts()[i]);
    }
    return 0;
}

}  // namespace

int main(int, char** arguments) {
    const Options options = read(arguments);
    std::vector<Source> sources = translator::generate(options.files, options.seed);
    if (options.spoil) sources = translator::spoil(sources, options.spoil);
    if (options.check) return check(options, sources);
    if (options.directory) return write(options, sources);
    for (const Variant& variant : translator::variants())
        if (strcmp(variant.option, options.variant) == 0) return measure(variant, options, sources);
    usage();
}
