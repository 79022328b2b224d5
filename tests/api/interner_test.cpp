// SPDX-License-Identifier: MIT
// tarn/interner.hpp: its classes; random work against a model; memory, measured and promised.
#include "tarn/interner.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tarn/tarn.h"

namespace {

using tarn::CountedInterner;
using tarn::CountedSymbol;
using tarn::Interner;
using tarn::KeywordSet;
using tarn::Symbol;

tarn_stats process_stats() {
    tarn_stats stats;
    EXPECT_EQ(tarn_stats_get(&stats, sizeof stats), 0);
    return stats;
}

TEST(Symbol, ComparesByAddressAndOrdersByTextOnRequest) {
    Interner table;
    const Symbol pear = table.intern("pear"), apple = table("apple");
    EXPECT_EQ(pear, table.intern(std::string("pe") + "ar"));
    EXPECT_EQ(pear, table.intern("pe", "ar"));
    EXPECT_NE(pear, apple);
    EXPECT_EQ(pear.text(), "pear");
    EXPECT_STREQ(apple.c_str(), "apple");
    EXPECT_EQ(apple.size(), 5u);
    EXPECT_EQ(pear.hash(), tarn_interned_hash(pear.handle()));
    EXPECT_EQ(pear <=> apple, std::compare_three_way{}(pear.handle(), apple.handle()));
    EXPECT_TRUE(tarn::ByText{}(apple, pear));
    EXPECT_FALSE(tarn::ByText{}(pear, apple));
    EXPECT_EQ((std::set<Symbol, tarn::ByText>{pear, apple}.begin()->text()), "apple");
    const std::unordered_set<Symbol> both{pear, apple, pear};
    EXPECT_EQ(both.size(), 2u);
}

TEST(Symbol, NoneIsLikeTheEmptyStringButEqualToNoneOnly) {
    Interner table;
    const Symbol none;
    EXPECT_FALSE(none);
    EXPECT_EQ(none.text(), "");
    EXPECT_EQ(none.keyword(), -1);
    EXPECT_EQ(none.hash(), 0u);
    EXPECT_TRUE(table.intern(""));
    EXPECT_NE(table.intern(""), none);
    EXPECT_EQ(table.find("absent"), none);
}

TEST(Interner, KeywordsAreNumberedAcrossSets) {
    KeywordSet words = KeywordSet::python();
    words += {"match", "case"};
    Interner table({.keywords = words});
    EXPECT_EQ(table.size(), TARN_PYTHON_KEYWORDS + 2u);
    EXPECT_EQ(table.intern("yield").keyword(), TARN_PYTHON_YIELD);
    EXPECT_EQ(table.intern("case").keyword(), TARN_PYTHON_KEYWORDS + 1);
    EXPECT_EQ(table.keyword(TARN_PYTHON_KEYWORDS).text(), "match");
    EXPECT_FALSE(table.keyword(TARN_PYTHON_KEYWORDS + 2));
    EXPECT_EQ(table.intern("cases").keyword(), -1);
    words += words;
    EXPECT_EQ(words.size(), 2u * (TARN_PYTHON_KEYWORDS + 2));
    EXPECT_THROW(Interner({.keywords = words}), std::invalid_argument);
    EXPECT_THROW(Interner({.shards = 3}), std::invalid_argument);
    EXPECT_THROW(KeywordSet(static_cast<tarn_keyword_set>(3)), std::invalid_argument);
}

TEST(Interner, LiteralsMoveAndProcess) {
    Interner first;
    const auto [self, init] = first.literals("self", std::string("__init__"));
    EXPECT_EQ(init, first.find("__init__"));
    Interner second(std::move(first));
    EXPECT_EQ(second.find("self"), self);
    EXPECT_EQ(first.handle(), nullptr);
    first = std::move(second);
    EXPECT_EQ(first.intern("self"), self);
    EXPECT_EQ(Interner::process().intern("x").handle(), tarn_intern(tarn_interner_process(), "x", 1));
    EXPECT_THROW(second.intern("nowhere"), std::bad_alloc);
}

TEST(Interner, EachVisitsAllAndPassesExceptionsOn) {
    Interner table;
    std::set<std::string_view> expected;
    for (int i = 0; i < 500; ++i)
        expected.insert(table.intern(std::to_string(i)).text());
    std::set<std::string_view> visited;
    table.each([&](Symbol symbol) { EXPECT_TRUE(visited.insert(symbol.text()).second); });
    EXPECT_EQ(visited, expected);
    int visits = 0;
    EXPECT_THROW(table.each([&](Symbol) {
        if (++visits == 3) throw std::runtime_error("enough");
    }),
                 std::runtime_error);
    EXPECT_EQ(visits, 3);
}

TEST(CountedInterner, StringsGoWithTheirLastSymbol) {
    CountedInterner table;
    CountedSymbol kept = table.intern("kept");
    {
        const CountedSymbol copy = kept, again = table.intern("kept"), other = table.intern("other");
        EXPECT_EQ(copy, again);
        EXPECT_NE(copy, other);
        EXPECT_EQ(table.size(), 2u);
    }
    EXPECT_EQ(table.size(), 1u);
    CountedSymbol moved = std::move(kept);
    EXPECT_FALSE(kept);
    kept = moved;
    moved = CountedSymbol();
    EXPECT_EQ(kept.text(), "kept");
    EXPECT_TRUE(table.find("kept"));
    const CountedSymbol& same = kept;
    kept = same;
    EXPECT_EQ(table.size(), 1u);
    kept = table.intern("new");
    EXPECT_FALSE(table.find("kept"));
    EXPECT_EQ(table.size(), 1u);
}

// Text that makes life hard: short, long, alike, with few different bytes.
std::string random_text(std::mt19937& random) {
    static constexpr size_t kLengths[] = {0, 1, 3, 4, 7, 8, 15, 16, 17, 32, 33, 64, 200};
    std::string text(kLengths[random() % std::size(kLengths)], 'a');
    if (!text.empty()) text.back() = static_cast<char>(random() % 200);
    if (!text.empty()) text[random() % text.size()] = static_cast<char>(random() % 3);
    return text;
}

TEST(Interner, AgreesWithAMap) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Interner table({.shards = 1u << random() % 5});
    std::map<std::string, Symbol> model;
    uint64_t requests = 0;
    for (int i = 0; i < 60000; ++i) {
        const std::string text = random_text(random);
        const auto found = model.find(text);
        ASSERT_EQ(table.find(text), found == model.end() ? Symbol() : found->second);
        if (random() % 2) continue;
        const Symbol symbol = table.intern(text);
        ++requests;
        ASSERT_EQ(symbol.text(), text);
        ASSERT_EQ(model.emplace(text, symbol).first->second, symbol);
    }
    const tarn_interner_stats stats = table.stats();
    EXPECT_EQ(stats.strings, model.size());
    EXPECT_EQ(stats.requests, requests);
    uint64_t text_bytes = 0;
    for (const auto& [text, symbol] : model)
        text_bytes += text.size();
    EXPECT_EQ(stats.text_bytes, text_bytes);
}

TEST(CountedInterner, AgreesWithAMap) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    CountedInterner table({.shards = 1u << random() % 5});
    std::map<std::string, std::vector<CountedSymbol>> model;
    for (int phase = 0; phase < 6; ++phase)  // grows and shrinks in turn
        for (int i = 0; i < 20000; ++i) {
            const std::string text = random_text(random);
            auto& held = model[text];
            if (random() % 4 < (phase % 2 ? 1 : 3)) {
                const CountedSymbol symbol = held.size() % 2 ? table.find(text) : table.intern(text);
                ASSERT_EQ(symbol.text(), text);
                ASSERT_TRUE(held.empty() || held.front() == symbol);
                held.push_back(symbol);
            } else if (!held.empty()) {
                held.pop_back();
            }
            if (!held.empty()) continue;
            model.erase(text);
            ASSERT_FALSE(table.find(text));
        }
    EXPECT_EQ(table.size(), model.size());
    size_t visits = 0;
    table.each([&](Symbol symbol) { visits += model.count(std::string(symbol.text())); });
    EXPECT_EQ(visits, model.size());
    model.clear();
    EXPECT_EQ(table.size(), 0u);
}

// Hashes of text that differs in few bits: all 32 bits, and each shard's share, as by chance.
TEST(Interner, HashesAreSpread) {
    Interner table({.seed = 5});
    std::vector<uint32_t> low(256), high(256);
    std::unordered_set<uint32_t> different;
    constexpr uint32_t kStrings = 1 << 16;
    for (uint32_t i = 0; i < kStrings; ++i) {
        std::string text(14, '\0');
        memcpy(&text[i % 10], &i, sizeof i);
        text[13] = static_cast<char>(i % 10);
        const uint32_t hash = table.intern(text).hash();
        ++low[hash & 255], ++high[hash >> 24];
        different.insert(hash);
    }
    EXPECT_GT(different.size(), kStrings - 10);  // by chance one half falls together
    for (int i = 0; i < 256; ++i) {              // 256 each, standard deviation 16
        EXPECT_NEAR(low[i], 256, 6 * 16);
        EXPECT_NEAR(high[i], 256, 6 * 16);
    }
}

// What a seed is for: the key must not be seen through text chosen to make a factor of the hash 0.
TEST(Interner, ChosenTextDoesNotFallTogether) {
    Interner table({.seed = 0});
    std::unordered_set<uint32_t> hashes;
    for (const uint64_t first :
         {0ull, ~0ull, 0x9e3779b97f4a7c15ull, 0xa0761d6478bd642full, 0xe7037ed1a0b428dbull})
        for (uint64_t second = 0; second < 2000; ++second) {
            char text[16];
            memcpy(text, &first, 8), memcpy(text + 8, &second, 8);
            hashes.insert(table.intern({text, 16}).hash());
        }
    EXPECT_GT(hashes.size(), 10000 - 10u);
}

// The figures of `stats` against what malloc says.
TEST(Memory, IsCountedAsMallocCountsIt) {
    for (const size_t strings : {size_t{0}, size_t{1}, size_t{10}, size_t{1000}, size_t{50000}}) {
        const uint64_t before = process_stats().live_bytes;
        Interner ordinary({.keywords = KeywordSet::template_language()});
        for (size_t i = 0; i < strings; ++i) {
            std::string text = std::to_string(i);
            text.resize(text.size() + i % 20, '.');
            ordinary.intern(text);
        }
        EXPECT_EQ(ordinary.stats().allocated_bytes, process_stats().live_bytes - before);
    }
    const uint64_t before = process_stats().live_bytes;
    tarn_interner_options options = TARN_INTERNER_OPTIONS_INIT;
    options.flags = TARN_INTERNER_COUNTED;
    tarn_interner* counted = tarn_interner_create(&options, sizeof options);
    for (int i = 0; i < 30000; ++i) {
        char text[40];
        snprintf(text, sizeof text, "name %d", i % 10000);
        const tarn_interned* string = tarn_intern(counted, text, strlen(text));
        if (i % 3 == 0) tarn_interned_release(counted, string);
    }
    tarn_interner_stats stats;
    tarn_interner_stats_get(counted, &stats, sizeof stats);
    EXPECT_EQ(stats.allocated_bytes, process_stats().live_bytes - before);
    tarn_interner_destroy(counted);
    EXPECT_EQ(process_stats().live_bytes, before);
}

TEST(Memory, EightThousandReferencesToTenStrings) {
    std::vector<std::string> names;
    for (int i = 0; i < 10; ++i)
        names.push_back("variable_name" + std::to_string(i));  // 14 bytes
    std::vector<char*> copies(8000);
    const uint64_t before = process_stats().live_bytes;
    for (size_t i = 0; i < copies.size(); ++i)
        copies[i] = strdup(names[i % 10].c_str());
    const uint64_t copied = process_stats().live_bytes - before;
    for (char* copy : copies)
        free(copy);
    Interner table;
    for (size_t i = 0; i < 8000; ++i)
        table.intern(names[i % 10]);
    const tarn_interner_stats stats = table.stats();
    EXPECT_EQ(stats.requests, 8000u);
    EXPECT_EQ(stats.strings, 10u);
    EXPECT_EQ(stats.copy_bytes, copied);
    EXPECT_DOUBLE_EQ(stats.saved,
                     1 - static_cast<double>(stats.allocated_bytes) / static_cast<double>(copied));
    EXPECT_GE(stats.saved, 0.95);
    printf("saved: %.1f %%\n", stats.saved * 100);
}

TEST(Memory, CopiesAreRoundedAsMallocRounds) {
    Interner table;
    uint64_t expected = 0;
    for (size_t length = 0; length < 32768; length += length < 600 ? 1 : 997) {
        void* volatile copy = malloc(length + 1);  // volatile: the compiler must not leave it out
        const uint64_t with = process_stats().live_bytes;
        free(copy);
        expected += with - process_stats().live_bytes;
        table.intern(std::string(length, 'x'));
        ASSERT_EQ(table.stats().copy_bytes, expected) << length;
    }
}

// Different strings of 14 bytes each, all of them kept: what a string takes, array and chunks included.
TEST(Memory, ThousandsOfStringsTakeLessThanEachAMalloc) {
    Interner table({.expected = 100000});
    for (int i = 0; i < 100000; ++i) {
        char text[16];
        snprintf(text, sizeof text, "symbol_%07d", i);
        table.intern(text);
    }
    const double each = static_cast<double>(table.stats().allocated_bytes) / 100000;
    printf("%.1f bytes each\n", each);
    EXPECT_LT(each, 24 + 64 / 5.0 * 2 + 2);  // string and places at worst just after growth
}

// A string's cost does not depend on how many there are: 32 times as many take 32 times as long and what
// cache misses and a busy machine add, where a list would take 1,000 times.
TEST(Interner, TimeIsInProportion) {
    const auto seconds = [](int strings) {
        double least = 1e9;
        for (int round = 0; round < 3; ++round) {
            Interner table;
            const auto start = std::chrono::steady_clock::now();
            for (int i = 0; i < strings; ++i)
                table.intern(std::to_string(i));
            const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
            least = std::min(least, taken.count());
        }
        return least;
    };
    const double few = seconds(4000), many = seconds(128000);
    EXPECT_LT(many, few * 32 * 12);
}

// In a child that may have little more memory than it has.
template <class Work>
void with_little_memory(size_t more, Work work) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        long pages = 0;
        FILE* status = fopen("/proc/self/statm", "r");
        if (!status || fscanf(status, "%*d %*d %*d %*d %*d %ld", &pages) != 1) _exit(2);
        fclose(status);
        rlimit limit{};
        getrlimit(RLIMIT_DATA, &limit);
        limit.rlim_cur = static_cast<size_t>(pages) * 4096 + more;
        setrlimit(RLIMIT_DATA, &limit);
        const int result = work();
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_DATA, &limit);
        _exit(result);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status)) << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Takes all there is; then everything that is there is found, and nothing else has changed.
int exhaust(uint32_t flags, size_t length_most) {
    tarn_interner_options options = TARN_INTERNER_OPTIONS_INIT;
    options.flags = flags;
    tarn_interner* table = tarn_interner_create(&options, sizeof options);
    if (!table) return errno == ENOMEM ? 0 : 3;
    static char text[1 << 17];
    memset(text, 'm', sizeof text);
    const auto set = [&](size_t i) {
        memcpy(text, &i, sizeof i);
        return sizeof i + i * 7919 % length_most;
    };
    size_t count = 0;
    errno = 0;
    while (count < 10000000 && tarn_intern(table, text, set(count)))
        ++count;
    if (count == 10000000 || errno != ENOMEM) return 4;
    if (tarn_interner_find(table, text, set(count))) return 5;
    for (size_t i = 0; i < count; ++i) {
        const tarn_interned* string = tarn_intern(table, text, set(i));
        if (!string || memcmp(tarn_interned_text(string), text, tarn_interned_length(string)) != 0) return 6;
        if (string != tarn_interner_find(table, text, set(i))) return 7;
    }
    tarn_interner_stats stats;
    if (tarn_interner_stats_get(table, &stats, sizeof stats) != 0 || stats.strings != count) return 8;
    if (stats.requests != 2 * count) return 9;
    tarn_interner_destroy(table);
    table = tarn_interner_create(&options, sizeof options);
    return table && tarn_intern(table, "again", 5) ? 0 : 10;
}

TEST(OutOfMemory, LosesNothing) {
    for (const uint32_t flags : {0u, TARN_INTERNER_COUNTED})
        for (const size_t length_most : {size_t{1}, size_t{40}, size_t{3000}, size_t{100000}})
            for (const size_t more : {size_t{0}, size_t{1} << 20, size_t{3} << 20})
                with_little_memory(more, [=] { return exhaust(flags, length_most); });
}

}  // namespace
