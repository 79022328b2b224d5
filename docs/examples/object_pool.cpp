// SPDX-License-Identifier: MIT
// A translator works on one document after another. What it needs for each, tables and buffers that have
// grown, stays constructed in an ObjectPool, so that the next document starts with memory that is large
// enough.
#include "tarn/object_pool.hpp"

#include <cstdio>
#include <string>
#include <unordered_map>

namespace {

struct Translation {
    std::unordered_map<std::string, std::string> words;
    std::string output;
};

void clear(Translation& translation) {
    translation.words.clear();
    translation.output.clear();  // keeps its capacity
}

size_t translate(Translation& translation, int document) {
    for (int i = 0; i < 200; ++i)
        translation.words.emplace("word" + std::to_string(i), "Wort" + std::to_string(i));
    for (int i = 0; i < 1000; ++i)
        translation.output += translation.words["word" + std::to_string((i + document) % 200)] + ' ';
    return translation.output.size();
}

}  // namespace

int main() {
    tarn::ObjectPool<Translation> translations(
        4, [] { return Translation(); }, clear);
    size_t bytes = 0, grown = 0;
    for (int document = 0; document < 50; ++document) {
        const auto translation = translations.acquire();  // given back at the end of the block
        const size_t before = translation->output.capacity();
        bytes += translate(*translation, document);
        if (translation->output.capacity() != before) ++grown;
    }
    const tarn::ObjectPoolStats stats = translations.stats();
    std::printf("50 documents, %zu bytes; %llu translation made, its buffer grew for %zu\n", bytes,
                static_cast<unsigned long long>(stats.made), grown);
    std::printf("hit rate %.0f %%, %zu idle, %zu in use\n", stats.hit_rate() * 100, stats.idle, stats.live);
}
