// SPDX-License-Identifier: MIT
// Pages of a slab in use whose objects are all free: they go back, nothing that is used is touched, and every
// object is handed out again, once.
#include "heap/holes.h"

#include <cstring>
#include <random>

#include <sys/mman.h>

#include "check/check.h"
#include "heap_sample.h"

namespace tarn {
namespace {

struct Start {
    Start() { sample::start(); }
} start;

constexpr size_t kPage = os::kPageSize;

class Holes : public testing::TestWithParam<SizeClass> {
  protected:
    size_t size() const { return kSizeClasses[GetParam()].size; }
    size_t capacity() const { return kSizeClasses[GetParam()].objects; }

    // A whole slab, each object filled with a byte of its own.
    void take_slab() {
        while (objects.size() < capacity())
            sample::add(objects, sample::take(heap, GetParam(), static_cast<uint32_t>(capacity())));
        for (size_t i = 0; i < objects.size(); ++i)
            memset(static_cast<void*>(objects[i]), static_cast<int>(i % 251 + 1), size());
        slab = slab_of(objects[0]);
        used.assign(objects.size(), true);
    }
    void give(size_t i) {
        heap.give(*slab, objects[i]);
        used[i] = false;
    }
    void expect_contents() {
        for (size_t i = 0; i < objects.size(); ++i) {
            if (!used[i]) continue;
            const auto* bytes = reinterpret_cast<const unsigned char*>(objects[i]);
            for (size_t k = 0; k < size(); ++k)
                ASSERT_EQ(bytes[k], i % 251 + 1) << "object " << i << ", byte " << k;
        }
    }
    // Every object that is not used comes back once, and no other.
    void take_the_rest() {
        std::set<Object*> missing;
        for (size_t i = 0; i < objects.size(); ++i)
            if (!used[i]) missing.insert(objects[i]);
        while (!missing.empty()) {
            const sample::Taken taken = sample::take(heap, GetParam(), 16);
            ASSERT_FALSE(taken.objects.empty());
            for (Object* object : taken.objects) {
                ASSERT_EQ(missing.erase(object), 1u) << "handed out twice, or while it was used";
                memset(static_cast<void*>(object), 0, size());
            }
            sample::expect_sound(*slab);
        }
        EXPECT_EQ(slab->away, 0u);
        expect_contents();
        for (Object* object : objects)
            heap.give(*slab, object);
        heap.dissolve_empty();
    }

    Heap& heap = *sample::new_heap();
    std::vector<Object*> objects;
    std::vector<bool> used;
    Slab* slab = nullptr;
};

TEST_P(Holes, WhatIsUsedStaysAndWhatIsFreeComesBackOnce) {
    std::mt19937 random(GetParam());
    for (const unsigned share : {2u, 5u, 30u, 500u}) {
        objects.clear();
        take_slab();
        for (size_t i = 1; i < objects.size(); ++i)
            if (random() % share) give(i);
        const size_t before = slab->free_count();
        const size_t bytes = heap.punch_all();
        EXPECT_EQ(bytes % kPage, 0u);
        EXPECT_EQ(slab->free_count() + slab->away, before);
        EXPECT_EQ(bytes > 0, slab->away > 0);
        sample::expect_sound(*slab);
        expect_contents();
        check_all();
        EXPECT_EQ(heap.punch_all(), 0u) << "nothing more to give";
        take_the_rest();
    }
}

TEST_P(Holes, PagesThatGoBackAreNotResident) {
    take_slab();
    for (size_t i = 1; i < objects.size(); ++i)
        give(i);
    const size_t bytes = slab->info().units.bytes();
    const auto resident = [&] {
        size_t found = 0;
        EXPECT_EQ(os::resident(slab->begin(), bytes, found), os::Answer::kDone);
        return found;
    };
    const size_t before = resident();
    const size_t gone = heap.punch_all();
    EXPECT_EQ(resident(), before - gone);
    // All but the pages of the one that is used, and what the end of the slab leaves over.
    EXPECT_LE(before - gone, (size() + kPage - 1) / kPage * kPage + 2 * kPage);
    take_the_rest();
}

TEST_P(Holes, MoreFreesAfterwardsMakeMoreHoles) {
    take_slab();
    for (size_t i = objects.size() / 2; i < objects.size(); ++i)
        give(i);
    heap.punch_all();
    const size_t away = slab->away;
    for (size_t i = 1; i < objects.size() / 2; ++i)
        give(i);
    heap.punch_all();
    EXPECT_GE(slab->away, away);
    sample::expect_sound(*slab);
    expect_contents();
    take_the_rest();
}

TEST_P(Holes, AnEmptySlabWithHolesIsDissolvedAndItsPagesAreWhole) {
    take_slab();
    for (size_t i = 1; i < objects.size(); ++i)
        give(i);
    heap.punch_all();
    char* const begin = slab->begin();
    const size_t units = slab->info().units.count();
    give(0);
    heap.dissolve_empty();
    EXPECT_EQ(slab->state, SlabState::kNone);
    for (size_t unit = 0; unit < units; ++unit)
        EXPECT_EQ(page_bits_of(begin)[unit], 0);
}

TEST_P(Holes, ARefusedPurgeChangesNothing) {
    take_slab();
    for (size_t i = 1; i < objects.size(); ++i)
        give(i);
    os::fail_after(os::Call::kPurge, 0);
    EXPECT_EQ(heap.punch_all(), 0u);
    os::fail_none();
    EXPECT_EQ(slab->away, 0u);
    EXPECT_EQ(slab->free_count(), objects.size() - 1);
    take_the_rest();
}

// The kernel discards up to the locked page, and then refuses.
TEST_P(Holes, ALockedPageAmidWhatIsFreeStaysAlone) {
    take_slab();
    for (size_t i = 1; i < objects.size(); ++i)
        give(i);
    char* const locked = slab->begin() + (slab->info().units.bytes() / kPage - 2) * kPage;
    ASSERT_EQ(mlock(locked, kPage), 0);
    const size_t gone = heap.punch_all();
    sample::expect_sound(*slab);
    expect_contents();
    slab->punched = 0;
    EXPECT_EQ(heap.punch_all(), 0u) << "what can go went the first time";
    sample::expect_sound(*slab);
    ASSERT_EQ(munlock(locked, kPage), 0);
    EXPECT_TRUE(gone > 0 || size() >= kPage);
    take_the_rest();
}

// 16, 48, 112, 256, 1280, 4096, 5120, 8192 and 32768 bytes.
INSTANTIATE_TEST_SUITE_P(Sizes, Holes,
                         testing::Values(class_of_size(16), class_of_size(48), class_of_size(112),
                                         class_of_size(256), class_of_size(1280), class_of_size(4096),
                                         class_of_size(5120), class_of_size(8192), class_of_size(32768)));

}  // namespace
}  // namespace tarn
