// SPDX-License-Identifier: MIT
// What every workload needs: arguments, random numbers, blocks that are written and verified, the lines it
// prints.
//
// A workload does a fixed amount of work: it counts operations, never time. `--scale F` multiplies that
// count.
#pragma once
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

[[noreturn]] inline void fail(const char* what) {
    fprintf(stderr, "fault: %s\n", what);
    fflush(nullptr);
    _exit(1);  // from any thread
}

// Arguments are pairs, `--name number`; one that no call has asked for is an error, which end() reports.
class Arguments {
  public:
    Arguments(int count, char** values) : count_(count), values_(values), scale_(real("--scale", 1)) {}

    double real(const char* name, double otherwise) {
        double found = otherwise;
        for (int i = 1; i + 1 < count_; i += 2) {
            if (strcmp(values_[i], name) != 0) continue;
            char* end;
            found = strtod(values_[i + 1], &end);
            if (*end || end == values_[i + 1] || found < 0) refuse(values_[i + 1]);
            ++taken_;
        }
        return found;
    }
    size_t number(const char* name, size_t otherwise) {
        return static_cast<size_t>(real(name, static_cast<double>(otherwise)));
    }
    // A count of operations, which --scale multiplies.
    size_t scaled(const char* name, size_t otherwise) {
        const double product = real(name, static_cast<double>(otherwise)) * scale_;
        return product < 1 ? 1 : static_cast<size_t>(product);
    }
    void end() const {
        if (1 + 2 * taken_ != count_) refuse("arguments");
    }

  private:
    [[noreturn]] static void refuse(const char* what) {
        fprintf(stderr, "not understood: %s; arguments are pairs, --name number\n", what);
        exit(2);
    }
    int count_;
    char** values_;
    int taken_ = 0;
    double scale_;
};

// splitmix64 (Steele, Lea, Flood 2014): any seed will do, and threads with different seeds differ.
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t next() {
        uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    size_t below(size_t limit) { return static_cast<size_t>(((next() >> 32) * limit) >> 32); }
    size_t between(size_t low, size_t high) { return low + below(high - low + 1); }

  private:
    uint64_t state_;
};

// Quantiles of a Pareto distribution bounded to [low, high], looked up so that drawing costs next to nothing.
class Pareto {
  public:
    Pareto(double low, double high, double alpha) {
        const double rest = 1 - std::pow(low / high, alpha);
        for (size_t i = 0; i < kSteps; ++i) {
            const double q = (static_cast<double>(i) + 0.5) / kSteps;
            quantiles_[i] = static_cast<uint32_t>(low / std::pow(1 - q * rest, 1 / alpha));
        }
    }
    size_t draw(Random& random) const { return quantiles_[random.next() >> (64 - 10)]; }

  private:
    static constexpr size_t kSteps = 1 << 10;
    uint32_t quantiles_[kSteps];
};

// Writes the first and the last word. Keys differ between blocks that live at the same time, so that blocks
// which overlap spoil each other's words.
inline void stamp(void* block, size_t size, uint64_t key) {
    char* const at = static_cast<char*>(block);
    if (!at) fail("out of memory");
    if (size < 8) {
        memset(at, static_cast<int>(key & 0xff), size);
        return;
    }
    memcpy(at + size - 8, &key, 8);
    memcpy(at, &key, 8);
}

inline void verify(const void* block, size_t size, uint64_t key) {
    const char* const at = static_cast<const char*>(block);
    if (size < 8) {
        for (size_t i = 0; i < size; ++i)
            if (at[i] != static_cast<char>(key & 0xff)) fail("a block's contents have changed");
        return;
    }
    uint64_t first, last;
    memcpy(&first, at, 8);
    memcpy(&last, at + size - 8, 8);
    if (first != key || (size >= 16 && last != key)) fail("a block's contents have changed");
}

// A block with what is needed to verify it.
struct Block {
    void* at = nullptr;
    uint32_t size = 0;
    uint32_t key = 0;

    void allocate(size_t bytes, Random& random) {
        size = static_cast<uint32_t>(bytes);
        key = static_cast<uint32_t>(random.next());
        at = malloc(bytes);
        stamp(at, size, key);
    }
    void release() {
        if (!at) return;
        verify(at, size, key);
        free(at);
        at = nullptr;
    }
};

inline double resident_mib() {
    long pages = 0;
    FILE* const file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1) fail("/proc/self/statm cannot be read");
    fclose(file);
    return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

inline long minor_faults() {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

// Binds this thread to one of the processors that it may use, by turns: whether two threads that pass memory to each other
// share one is not to be chance. It runs on where it cannot be.
inline void take_turn_of_processors(size_t turn) {
    cpu_set_t all, own;
    if (sched_getaffinity(0, sizeof all, &all) != 0) return;
    size_t left = turn % static_cast<size_t>(CPU_COUNT(&all));
    for (size_t processor = 0; processor < CPU_SETSIZE; ++processor) {
        if (!CPU_ISSET(processor, &all) || left-- > 0) continue;
        CPU_ZERO(&own);
        CPU_SET(processor, &own);
        sched_setaffinity(0, sizeof own, &own);
        return;
    }
}

inline void work(size_t count, const char* unit) {
    printf("work %zu %s\n", count, unit);
}

}  // namespace bench
