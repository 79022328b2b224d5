// SPDX-License-Identifier: MIT
// Objects freed by threads that do not own their slab, and slabs that change hands: first one step after
// another, then all at once. No object is lost or handed out twice; R1 to R5 of remote.h.
#include "heap/remote.h"

#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>

#include "check/check.h"
#include "heap/orphans.h"
#include "heap/outgoing.h"
#include "heap_sample.h"

namespace tarn {
namespace {

struct Start {
    Start() { sample::start(); }
} start;

constexpr SizeClass kClass = 3;
constexpr size_t kObjects = kSizeClasses[kClass].objects;

class Remote : public sample::Owner {
  protected:
    static inline Heap& other = *sample::new_heap();
};

TEST_F(Remote, TheFirstObjectPostsAndTheOthersDoNot) {
    auto objects = whole_slab(kClass);
    Slab& slab = *slab_of(objects[0]);
    EXPECT_TRUE(push_remote(slab, objects[0]));
    EXPECT_FALSE(push_remote(slab, objects[1]));
    EXPECT_TRUE(posted(slab));
    EXPECT_EQ(remote_count(slab), 2u);
    const RemoteChain chain = take_remote(slab);
    EXPECT_EQ(chain.count, 2u);
    EXPECT_EQ(chain.head, objects[1]);
    EXPECT_EQ(chain.head->next, objects[0]);
    EXPECT_FALSE(chain.head->next->next);
    EXPECT_FALSE(posted(slab));
    sample::give_all(owner, objects);
}

TEST_F(Remote, AChainIsPushedAtOnceAndItsEndIsKnown) {
    auto objects = whole_slab(kClass);
    Slab& slab = *slab_of(objects[0]);
    objects[2]->next = objects[1];
    objects[1]->next = objects[0];
    EXPECT_TRUE(push_remote(slab, {objects[2], objects[0], 3}));
    EXPECT_FALSE(push_remote(slab, objects[3]));
    const RemoteChain chain = take_remote(slab);
    EXPECT_EQ(chain.count, 4u);
    EXPECT_EQ(chain.head, objects[3]);
    EXPECT_EQ(chain.head->next, objects[2]);
    EXPECT_EQ(chain.tail, objects[0]);
    EXPECT_EQ(chain.tail->next, nullptr);
    sample::give_all(owner, objects);
}

TEST_F(Remote, WhatIsFreedElsewhereGoesBackInParcels) {
    auto objects = whole_slab(kClass);
    Slab& slab = *slab_of(objects[0]);
    const size_t parcel = slab.info().bin_limit / 4;
    ASSERT_GT(parcel, 1u);
    Outgoing outgoing;
    for (size_t i = 0; i < parcel; ++i) {
        EXPECT_EQ(remote_count(slab), 0u);
        outgoing.add(slab, objects[i]);
    }
    EXPECT_EQ(remote_count(slab), parcel);
    outgoing.add(slab, objects[parcel]);
    outgoing.send_all();
    EXPECT_EQ(remote_count(slab), parcel + 1);
    outgoing.send_all();
    EXPECT_EQ(remote_count(slab), parcel + 1);
    owner.drain_mail();
    EXPECT_EQ(slab.free_count(), parcel + 1);
    sample::expect_sound(slab);
    objects.erase(objects.begin(), objects.begin() + static_cast<ptrdiff_t>(parcel) + 1);
    sample::give_all(owner, objects);
}

TEST_F(Remote, AParcelMakesRoomForAnother) {
    std::vector<std::vector<Object*>> slabs;  // more than there are parcels
    Outgoing outgoing;
    for (size_t i = 0; i < 2 * Outgoing::kParcels + 10; ++i)
        slabs.push_back(whole_slab(kClass));
    for (auto& objects : slabs)
        outgoing.add(*slab_of(objects[0]), objects[0]);
    size_t sent = 0;
    for (auto& objects : slabs)
        sent += remote_count(*slab_of(objects[0]));
    EXPECT_GE(sent, slabs.size() - Outgoing::kParcels);
    EXPECT_LT(sent, slabs.size());
    outgoing.send_all();
    owner.drain_mail();
    for (auto& objects : slabs) {
        EXPECT_EQ(slab_of(objects[0])->free_count(), 1u);
        objects.erase(objects.begin());
        sample::give_all(owner, objects);
    }
}

TEST_F(Remote, AFullSlabFreedElsewhereComesBackWhole) {
    auto objects = whole_slab(kClass);
    Slab& slab = *slab_of(objects[0]);
    for (Object* object : objects)
        free_remote(slab, object, &other);
    EXPECT_EQ(slab.used, kObjects);  // the owner has not seen it yet
    owner.drain_mail();
    EXPECT_EQ(slab.used, 0u);
    sample::expect_sound(slab);
    std::vector<Object*> again = whole_slab(kClass);
    sample::expect_distinct(again, kClass);
    EXPECT_EQ(slab_of(again[0]), &slab);
    sample::give_all(owner, again);
}

TEST_F(Remote, TheOwnerInNeedReadsItsMail) {
    auto objects = whole_slab(kClass);
    free_remote(*slab_of(objects[5]), objects[5], &other);
    const sample::Taken batch = sample::take(owner, kClass);
    EXPECT_EQ(batch.objects, std::vector{objects[5]});
    sample::give_all(owner, objects);
}

TEST_F(Remote, APostedSlabIsNotDissolved) {
    auto objects = whole_slab(kClass);
    Slab& slab = *slab_of(objects[0]);
    // Between the push and the post: the owner frees all the rest.
    EXPECT_TRUE(push_remote(slab, objects[0]));
    for (size_t i = 1; i < objects.size(); ++i)
        owner.give(slab, objects[i]);
    EXPECT_EQ(slab.used, 1u);
    owner.dissolve_empty();
    EXPECT_NE(slab.state, SlabState::kNone);
    post_slab(slab);
    owner.drain_mail();
    EXPECT_EQ(slab.state, SlabState::kEmpty);
    owner.dissolve_empty();
    EXPECT_EQ(slab.state, SlabState::kNone);
}

TEST_F(Remote, RetiredSlabsAreOrphansAndFreeObjectsOnTheirWayArrive) {
    auto objects = whole_slab(kClass);
    Slab& slab = *slab_of(objects[0]);
    free_remote(slab, objects[0], &other);
    EXPECT_TRUE(push_remote(slab, objects[1]) == false);
    owner.retire();
    EXPECT_TRUE(owner.idle());
    EXPECT_EQ(slab.owner.load(), kOrphanHeap);
    EXPECT_EQ(slab.free_count(), 2u);
    EXPECT_FALSE(posted(slab));
    sample::expect_sound(slab);
    for (size_t i = 2; i < objects.size(); ++i)
        free_remote(slab, objects[i], nullptr);  // a thread without a heap
    EXPECT_EQ(slab.state, SlabState::kNone);
}

// Of `count` slabs of the class all objects but every `kept`-th are freed by others; those that are left.
std::vector<Object*> thinned(Heap& owner, size_t count, size_t kept) {
    std::vector<Object*> objects, left;
    while (objects.size() < count * kObjects)
        sample::add(objects, sample::take(owner, kClass));
    for (size_t i = 0; i < objects.size(); ++i) {
        if (i % kept == 0)
            left.push_back(objects[i]);
        else
            free_remote(*slab_of(objects[i]), objects[i], nullptr);
    }
    owner.drain_mail();
    return left;
}

TEST_F(Remote, WhatAHeapHasToSpareIsForTheOthers) {
    constexpr size_t kSlabs = 100;
    other.revive();
    std::vector<Object*> left = thinned(owner, kSlabs, 8);
    const size_t used = owner.used(kClass), room = owner.room(kClass);
    ASSERT_TRUE(owner.has_to_spare(kClass));
    owner.shed(kClass);
    EXPECT_FALSE(owner.has_to_spare(kClass));
    EXPECT_GT(orphans.slabs(), kSlabs / 4);
    EXPECT_EQ(orphans.heap.used(kClass) + owner.used(kClass), used);
    EXPECT_EQ(orphans.heap.room(kClass) + owner.room(kClass), room);
    check_heap(owner);
    check_orphans();
    // Nothing new is made for another heap that needs the class.
    const size_t in_use = run_stats().in_use;
    std::vector<Object*> objects;
    while (objects.size() < kSlabs / 4 * kObjects / 2)
        sample::add(objects, sample::take(other, kClass));
    EXPECT_EQ(run_stats().in_use, in_use);
    sample::give_all(other, objects);
    // What was left in a slab that changed hands goes where it belongs by now.
    for (Object* object : left)
        free_remote(*slab_of(object), object, nullptr);
    other.drain_mail();
    other.retire();
}

TEST_F(Remote, WhatAHeapUsesItKeeps) {
    std::vector<Object*> left = thinned(owner, 100, 1);
    ASSERT_FALSE(owner.has_to_spare(kClass));
    owner.shed(kClass);
    EXPECT_EQ(orphans.slabs(), 0u);
    sample::give_all(owner, left);
    owner.dissolve_empty();
    // Few slabs are not worth it, however little of them is used.
    left = thinned(owner, 4, 64);
    EXPECT_FALSE(owner.has_to_spare(kClass));
    sample::give_all(owner, left);
}

TEST_F(Remote, APostAfterTheOwnerRetiredReachesTheOrphans) {
    auto objects = whole_slab(kClass);
    Slab& slab = *slab_of(objects[0]);
    EXPECT_TRUE(push_remote(slab, objects[0]));
    owner.retire();
    EXPECT_TRUE(posted(slab));
    post_slab(slab);
    EXPECT_FALSE(posted(slab));
    EXPECT_EQ(slab.free_count(), 1u);
    owner.revive();
    EXPECT_EQ(orphans.take_slab(kClass, owner), &slab);
    EXPECT_EQ(slab.owner.load(), owner.id());
    objects.erase(objects.begin());
    sample::give_all(owner, objects);
}

TEST_F(Remote, MailOfAFormerOwnerIsSentOn) {
    auto objects = whole_slab(kClass);
    Slab& slab = *slab_of(objects[0]);
    EXPECT_TRUE(push_remote(slab, objects[0]));
    post_slab(slab);  // on the mail of `owner`
    {
        Guard guard(orphans.lock);
        ASSERT_EQ(slab.owner.load(), owner.id());
    }
    // The slab goes to the orphans by retiring; posting while it is there needs no mail at all.
    owner.retire();
    owner.revive();
    EXPECT_FALSE(posted(slab));
    other.revive();
    free_remote(slab, objects[1], &other);  // who frees into an orphan takes it over
    EXPECT_EQ(slab.owner.load(), other.id());
    EXPECT_EQ(slab.free_count(), 2u);
    for (size_t i = 2; i < objects.size(); ++i)
        free_remote(slab, objects[i], &owner);
    other.drain_mail();
    other.retire();
    EXPECT_EQ(slab.state, SlabState::kNone);
}

// ---- all at once ----------------------------------------------------------------------------------------

constexpr unsigned kThreads = 4;
constexpr unsigned kSlots = 512;

// Objects on their way from one thread to another. An object carries the word it was filled with.
std::array<std::atomic<Object*>, kSlots> exchange;

uint64_t* words(Object* object) {
    return reinterpret_cast<uint64_t*>(object);
}
constexpr size_t kWords = kSizeClasses[kClass].size / sizeof(uint64_t);

void fill(Object* object) {
    for (size_t i = 0; i < kWords; ++i)
        words(object)[i] = reinterpret_cast<uintptr_t>(object) + i;
}
bool intact(Object* object) {
    for (size_t i = 0; i < kWords; ++i)
        if (words(object)[i] != reinterpret_cast<uintptr_t>(object) + i) return false;
    return true;
}

void free_any(Heap& mine, Object* object) {
    ASSERT_TRUE(intact(object)) << "handed out twice";
    words(object)[0] = words(object)[2] = 0;
    Slab& slab = *slab_of(object);
    if (slab.owner.load(std::memory_order_acquire) == mine.id())
        mine.give(slab, object);
    else
        free_remote(slab, object, &mine);
}

void put_up(Heap& mine, Object* object, std::mt19937& random) {
    fill(object);
    Object* const old = exchange[random() % kSlots].exchange(object, std::memory_order_acq_rel);
    if (old) free_any(mine, old);
}

// Makes many objects, few of which stay, and has slabs to spare then.
void shed_some(Heap& mine, std::mt19937& random) {
    std::vector<Object*> objects;
    while (objects.size() < 32 * kObjects)
        sample::add(objects, sample::take(mine, kClass));
    for (size_t i = 0; i < objects.size(); ++i) {
        if (i % 16 == 0)
            put_up(mine, objects[i], random);
        else
            mine.give(*slab_of(objects[i]), objects[i]);
    }
    mine.shed(kClass);
}

// Takes batches, leaves the objects in the exchange and frees those it finds there, whosever they are.
void trade(Heap& mine, unsigned seed, int rounds) {
    std::mt19937 random(seed);
    for (int round = 0; round < rounds; ++round) {
        if (random() % 200 == 0) {  // the thread ends and another one takes the heap
            mine.retire();
            mine.revive();
        }
        const sample::Taken batch =
            random() % 4 ? sample::take(mine, kClass) : sample::take_one(mine, kClass);
        ASSERT_FALSE(batch.objects.empty());
        for (Object* object : batch.objects)
            put_up(mine, object, random);
        if (random() % 16 == 0) mine.drain_mail();
        if (random() % 256 == 0) shed_some(mine, random);
        if (random() % 64 == 0)
            for (auto& slot : exchange)
                if (Object* object = slot.exchange(nullptr, std::memory_order_acq_rel))
                    free_any(mine, object);
    }
}

void clear_exchange(Heap& mine) {
    for (auto& slot : exchange)
        if (Object* object = slot.exchange(nullptr)) free_any(mine, object);
}

TEST(RemoteThreads, NoObjectIsLostOrDoubledWhileOwnersComeAndGo) {
    constexpr int kRounds = 4000;
    std::vector<Heap*> heaps;
    for (unsigned i = 0; i < kThreads; ++i)
        heaps.push_back(sample::new_heap());
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i)
        threads.emplace_back([&, i] {
            trade(*heaps[i], i, kRounds);
            heaps[i]->retire();
        });
    for (auto& thread : threads)
        thread.join();
    check_all();
    Heap& last = *heaps[0];
    last.revive();
    clear_exchange(last);
    for (Heap* heap : heaps)  // R5: nothing waits in the mail of those that ended
        EXPECT_EQ(heap == &last ? 0u : sample::slabs_of(*heap), 0u);
    sample::end_without_rest(last);
}

TEST(RemoteThreads, OneProducerManyConsumers) {
    Heap& producer = *sample::new_heap();
    std::atomic<unsigned> running{kThreads};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i)
        threads.emplace_back([&running] {
            Heap& mine = *sample::new_heap();
            for (unsigned freed = 0; freed < 20000;)
                for (auto& slot : exchange)
                    if (Object* object = slot.exchange(nullptr, std::memory_order_acq_rel)) {
                        free_any(mine, object);
                        ++freed;
                    }
            mine.retire();
            --running;
        });
    size_t most = 0;
    std::mt19937 random(1);
    while (running.load()) {
        const sample::Taken batch = sample::take(producer, kClass);
        for (Object* object : batch.objects)
            put_up(producer, object, random);
        most = std::max(most, sample::slabs_of(producer));
    }
    for (auto& thread : threads)
        thread.join();
    clear_exchange(producer);
    producer.drain_mail();
    producer.dissolve_empty();
    EXPECT_EQ(sample::slabs_of(producer), 0u);
    EXPECT_EQ(run_stats().in_use, 0u);
    // What others free is used again: a handful of slabs for at most kSlots objects out at a time.
    EXPECT_LT(most, 64u);
}

}  // namespace
}  // namespace tarn
