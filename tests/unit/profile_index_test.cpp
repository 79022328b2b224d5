// SPDX-License-Identifier: MIT
#include "profile/index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace {

using namespace tarn::profile;

uint64_t hashes[10000];
uint64_t hash_of(uint32_t number) {
    return hashes[number];
}
using Numbers = Index<hash_of>;

uint32_t found(const Numbers& index, uint32_t number) {
    return index.find(hashes[number], [=](uint32_t each) { return each == number; });
}

// Many have one hash, or neighbours': whoever is removed leaves a hole in the way to others.
TEST(ProfileIndex, FindsWhatIsInItWhateverWasRemoved) {
    std::mt19937 random(1);
    for (uint64_t& hash : hashes)
        hash = random() % 4 ? uint64_t{random()} % 600 : uint64_t{random()} << 20;
    Numbers index;
    std::map<uint32_t, bool> there;
    for (int round = 0; round < 100'000; ++round) {
        const auto number = static_cast<uint32_t>(random() % (round % 20'000 < 10'000 ? 10'000 : 500));
        if (there[number])
            index.remove(hashes[number], number);
        else
            ASSERT_TRUE(index.add(hashes[number], number));
        there[number] = !there[number];
        if (round % 10'000 != 9'999) continue;
        size_t count = 0;
        for (const auto& [each, is_there] : there) {
            ASSERT_EQ(found(index, each), is_there ? each : Numbers::kNone) << round;
            count += is_there;
        }
        ASSERT_EQ(index.count(), count);
    }
    index.clear();
    EXPECT_EQ(found(index, 1), Numbers::kNone);
    EXPECT_TRUE(index.add(hashes[1], 1));
    EXPECT_EQ(found(index, 1), 1u);
    index.clear();
}

}  // namespace
