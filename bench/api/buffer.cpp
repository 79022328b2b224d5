// SPDX-License-Identifier: MIT
// AlignedBuffer against std::vector and GLib's GByteArray: growth by appending, and sums of aligned numbers.
// vector_glibc is a std::vector on the C library's malloc; all others have tarn's.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>

#include <numeric>
#include <string>
#include <vector>

#include "peers.h"
#include "tarn/buffer.hpp"
#if __has_include(<glib.h>)
#include <glib.h>
#endif

namespace {

using benchmark::State;

template <typename T>
struct GlibcAllocator {
    using value_type = T;
    GlibcAllocator() = default;
    template <typename U>
    GlibcAllocator(const GlibcAllocator<U>&) {}
    T* allocate(std::size_t count) {
        void* memory = peers::kGlibc.allocate(count * sizeof(T));
        if (!memory) std::abort();
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, std::size_t) { peers::kGlibc.free(memory); }
    template <typename U>
    bool operator==(const GlibcAllocator<U>&) const {
        return true;
    }
};

// One way to append to an empty buffer; `size` is what it holds in the end.
struct Aligned {
    tarn::AlignedBuffer<char> buffer;
    void append(const char* bytes, std::size_t count) { buffer.append({bytes, count}); }
    void push(char byte) { buffer.push_back(byte); }
    std::size_t size() const { return buffer.size(); }
    const char* data() const { return buffer.data(); }
};

struct Handle {
    tarn_buffer* buffer = tarn_buffer_create(64, TARN_BUFFER_DEFAULT);
    Handle() = default;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() { tarn_buffer_destroy(buffer); }
    void append(const char* bytes, std::size_t count) {
        if (tarn_buffer_append(buffer, bytes, count) != 0) std::abort();
    }
    void push(char byte) { append(&byte, 1); }
    std::size_t size() const { return tarn_buffer_size(buffer); }
    const char* data() const { return reinterpret_cast<const char*>(tarn_buffer_data(buffer)); }
};

template <typename Vector>
struct Standard {
    Vector vector;
    void append(const char* bytes, std::size_t count) { vector.insert(vector.end(), bytes, bytes + count); }
    void push(char byte) { vector.push_back(byte); }
    std::size_t size() const { return vector.size(); }
    const char* data() const { return vector.data(); }
};

#if __has_include(<glib.h>)
struct Glib {
    GByteArray* array = g_byte_array_new();
    Glib() = default;
    Glib(const Glib&) = delete;
    Glib& operator=(const Glib&) = delete;
    ~Glib() { g_byte_array_free(array, TRUE); }
    void append(const char* bytes, std::size_t count) {
        g_byte_array_append(array, reinterpret_cast<const guint8*>(bytes), static_cast<guint>(count));
    }
    void push(char byte) { append(&byte, 1); }
    std::size_t size() const { return array->len; }
    const char* data() const { return reinterpret_cast<const char*>(array->data); }
};
#endif

template <typename Bytes>
void append_pieces(State& state, std::size_t piece, std::size_t total) {
    const std::string bytes(piece, 'x');
    for (auto _ : state) {
        Bytes buffer;
        while (buffer.size() < total)
            buffer.append(bytes.data(), piece);
        benchmark::DoNotOptimize(buffer.data());
        benchmark::ClobberMemory();
        if (buffer.data()[total - 1] != 'x') return state.SkipWithError("not what was appended");
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * total));
}

template <typename Bytes>
void push_bytes(State& state, std::size_t total) {
    for (auto _ : state) {
        Bytes buffer;
        for (std::size_t i = 0; i < total; ++i)
            buffer.push(static_cast<char>(i));
        benchmark::DoNotOptimize(buffer.data());
        benchmark::ClobberMemory();
        if (buffer.data()[total - 1] != static_cast<char>(total - 1))
            return state.SkipWithError("not what was appended");
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * total));
}

template <typename Bytes>
void add_appends(const std::string& who) {
    for (const std::size_t total : {1000, 100000, 10000000, 100000000})
        benchmark::RegisterBenchmark((who + "/append_100_to_" + std::to_string(total)).c_str(),
                                     [total](State& state) { append_pieces<Bytes>(state, 100, total); });
    for (const std::size_t total : {100, 10000, 1000000})
        benchmark::RegisterBenchmark((who + "/push_1_to_" + std::to_string(total)).c_str(),
                                     [total](State& state) { push_bytes<Bytes>(state, total); });
}

using Lanes [[gnu::vector_size(64)]] = float;
using LooseLanes [[gnu::vector_size(64), gnu::aligned(4)]] = float;

// By 64 bytes at a time; the padding is zero, so there is no rest to be added one by one.
float sum_padded(const tarn::AlignedBuffer<float>& numbers) {
    Lanes sums = {};
    for (std::size_t i = 0; i < numbers.size(); i += 16)
        sums += *reinterpret_cast<const Lanes*>(numbers.data() + i);
    float sum = 0;
    for (int i = 0; i < 16; ++i)
        sum += sums[i];
    return sum;
}

float sum_with_rest(const std::vector<float>& numbers) {
    Lanes sums = {};
    std::size_t i = 0;
    for (; i + 16 <= numbers.size(); i += 16)
        sums += *reinterpret_cast<const LooseLanes*>(numbers.data() + i);
    float sum = 0;
    for (int lane = 0; lane < 16; ++lane)
        sum += sums[lane];
    for (; i < numbers.size(); ++i)
        sum += numbers[i];
    return sum;
}

template <typename Numbers, typename Sum>
void run_sum(State& state, const Numbers& numbers, Sum sum) {
    for (auto _ : state) {
        float result = sum(numbers);
        benchmark::DoNotOptimize(result);
        benchmark::ClobberMemory();
        if (result != static_cast<float>(numbers.size())) return state.SkipWithError("a wrong sum");
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * numbers.size() * sizeof(float)));
}

void add_sums(std::size_t count) {
    const std::string name = "sum_of_" + std::to_string(count);
    benchmark::RegisterBenchmark(("tarn/" + name).c_str(), [count](State& state) {
        tarn::AlignedBuffer<float> numbers(count);
        for (float& number : numbers)
            number = 1;
        run_sum(state, numbers, sum_padded);
    });
    benchmark::RegisterBenchmark(("vector/" + name).c_str(), [count](State& state) {
        run_sum(state, std::vector<float>(count, 1.0f), sum_with_rest);
    });
}

}  // namespace

int main(int argc, char** argv) {
    add_appends<Aligned>("tarn");
    add_appends<Handle>("tarn_c");
    add_appends<Standard<std::vector<char>>>("vector");
    add_appends<Standard<std::vector<char, GlibcAllocator<char>>>>("vector_glibc");
#if __has_include(<glib.h>)
    add_appends<Glib>("GByteArray");
#endif
    for (const std::size_t count : {7, 30, 100, 1001, 100003, 4000003})
        add_sums(count);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
}
