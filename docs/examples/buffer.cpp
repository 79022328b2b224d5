// SPDX-License-Identifier: MIT
// A reader of measurements: a file is read into an aligned buffer, its numbers are parsed with the scanner's
// padded functions, and added up 64 bytes at a time with no special case for the rest, since what follows the
// last number is zero.
#include <cstdio>
#include <cstdlib>

#include "tarn/buffer.hpp"
#include "tarn/scan.hpp"

namespace {

using Lanes [[gnu::vector_size(64)]] = float;  // one register of AVX-512, or four of NEON

// read(2)'s pattern: room at the end, then as much of it as was filled.
tarn::AlignedBuffer<char> read_all(std::FILE* file) {
    tarn::AlignedBuffer<char> text(tarn::BufferPages::kHuge);
    for (;;) {
        constexpr std::size_t kPiece = 4096;
        const std::span<char> room = text.extend(kPiece);
        const std::size_t got = std::fread(room.data(), 1, room.size(), file);
        text.truncate(text.size() - room.size() + got);
        if (got == 0) return text;
    }
}

tarn::AlignedBuffer<float> parse(const tarn::AlignedBuffer<char>& text) {
    static constexpr tarn::ByteSet kNumber("-.0123456789");
    const tarn::PaddedText all(text);
    tarn::AlignedBuffer<float> numbers;
    for (std::size_t at = 0;;) {
        at += find_any(all.from(at), kNumber);
        if (at == all.size()) return numbers;
        // The padding ends the last number as a terminator would.
        numbers.push_back(std::strtof(text.data() + at, nullptr));
        at += find_not(all.from(at), kNumber);
    }
}

float sum(const tarn::AlignedBuffer<float>& numbers) {
    Lanes sums = {};
    for (std::size_t i = 0; i < numbers.size(); i += 16)
        sums += *reinterpret_cast<const Lanes*>(numbers.data() + i);
    float total = 0;
    for (int lane = 0; lane < 16; ++lane)
        total += sums[lane];
    return total;
}

}  // namespace

int main() {
    std::FILE* file = std::tmpfile();
    if (!file) return 1;
    for (int i = 1; i <= 2500; ++i)
        std::fprintf(file, "station %c: %d.5, %d;\n", 'a' + i % 26, i % 100, -(i % 10));
    std::rewind(file);
    const tarn::AlignedBuffer<char> text = read_all(file);
    std::fclose(file);

    const tarn::AlignedBuffer<float> numbers = parse(text);
    std::printf("%zu bytes, %zu numbers, their sum is %.1f\n", text.size(), numbers.size(), sum(numbers));
    std::printf("aligned to %zu bytes: %s\n", numbers.kAlignment,
                reinterpret_cast<std::uintptr_t>(numbers.data()) % numbers.kAlignment == 0 ? "yes" : "no");
}
