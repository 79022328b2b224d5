// SPDX-License-Identifier: MIT
// The child of a fork: the slabs of threads that are gone become orphans. A list that one of them may have
// left half done is given up with its objects; a sound one is kept. The damage is done here on purpose.
#include "heap/orphans.h"
#include "heap_sample.h"

namespace tarn {
namespace {

struct Start {
    Start() { sample::start(); }
} start;

// A slab of a thread that is gone, with three free objects. Each test has a class of its own, since what
// others left are orphans of theirs.
class Salvage : public testing::Test {
  protected:
    void SetUp() override {
        while (objects.size() < capacity)
            sample::add(objects, sample::take(gone, size_class));
        slab = slab_of(objects[0]);
        ASSERT_EQ(slab_of(objects[capacity - 1]), slab);
        for (size_t i = 0; i < 3; ++i)
            gone.give(*slab, objects[i]);
        ASSERT_EQ(slab->free_count(), 3u);
    }
    void salvage() {
        salvage_heaps(&survivor);
        EXPECT_EQ(slab->owner.load(), kOrphanHeap);
        sample::expect_sound(*slab);
    }
    void expect_given_up() {
        salvage();
        EXPECT_EQ(slab->free, nullptr);
        EXPECT_EQ(slab->used, slab->carved());
    }
    static inline SizeClass next_class = 2;
    const SizeClass size_class = next_class++;
    const size_t capacity = kSizeClasses[size_class].objects;
    Heap& gone = *sample::new_heap();
    Heap& survivor = *sample::new_heap();
    std::vector<Object*> objects;
    Slab* slab = nullptr;
};

TEST_F(Salvage, SoundListsAreKept) {
    salvage();
    EXPECT_EQ(slab->free_count(), 3u);
    EXPECT_EQ(slab->free, objects[2]);
    EXPECT_EQ(sample::slabs_of(gone), 0u);
    EXPECT_TRUE(gone.idle());
    // Objects of the gone thread can be freed, and its slab used.
    for (size_t i = 3; i < objects.size(); ++i)
        free_remote(*slab, objects[i], &survivor);
    survivor.drain_mail();
    survivor.dissolve_empty();
    EXPECT_EQ(slab->state, SlabState::kNone);
}

TEST_F(Salvage, TheSurvivorsSlabsStayItsOwn) {
    std::vector<Object*> own;
    sample::add(own, sample::take(survivor, size_class));
    Slab& mine = *slab_of(own[0]);
    const size_t used = mine.used;
    free_remote(mine, own[0], &gone);
    salvage();
    EXPECT_EQ(mine.owner.load(), survivor.id());
    EXPECT_FALSE(posted(mine));
    EXPECT_EQ(mine.used, used - 1);  // its mail was read
    sample::expect_sound(mine);
}

TEST_F(Salvage, AFreeListWithAForeignLinkIsGivenUp) {
    int elsewhere = 0;
    objects[1]->next = reinterpret_cast<Object*>(&elsewhere);
    expect_given_up();
}

TEST_F(Salvage, AFreeListWithALinkIntoAnObjectIsGivenUp) {
    objects[1]->next = reinterpret_cast<Object*>(reinterpret_cast<char*>(objects[5]) + 8);
    expect_given_up();
}

TEST_F(Salvage, AFreeListInARingIsGivenUp) {
    objects[0]->next = objects[2];
    expect_given_up();
}

TEST_F(Salvage, AFreeListThatIsTooShortIsGivenUp) {
    objects[2]->next = nullptr;
    expect_given_up();
}

TEST_F(Salvage, AFreeListThatIsStillThereAfterItWasTakenIsGivenUp) {
    slab->used = slab->carved();  // as a taker leaves it between two stores
    expect_given_up();
}

TEST_F(Salvage, CountsThatCannotBeAreSetRight) {
    slab->set_carved(60000);
    slab->used = 60001;
    expect_given_up();
    EXPECT_EQ(slab->carved(), capacity);
}

TEST_F(Salvage, ASoundRemoteChainIsCollected) {
    EXPECT_TRUE(push_remote(*slab, objects[4]));  // nobody came to post it
    EXPECT_FALSE(push_remote(*slab, objects[5]));
    salvage();
    EXPECT_FALSE(posted(*slab));
    EXPECT_EQ(slab->free_count(), 5u);
}

TEST_F(Salvage, ARemoteChainWithABadLinkIsGivenUpAndTheFreeListKept) {
    EXPECT_TRUE(push_remote(*slab, objects[4]));
    EXPECT_FALSE(push_remote(*slab, objects[5]));
    objects[5]->next = reinterpret_cast<Object*>(reinterpret_cast<char*>(objects[6]) + 16);
    salvage();
    EXPECT_FALSE(posted(*slab));
    EXPECT_EQ(slab->free_count(), 3u);
}

// Its thread had set (from the first on) or cleared (likewise) part of the entries.
TEST_F(Salvage, ASlabWithSomeOfItsEntriesIsGivenBack) {
    for (const bool first_half : {true, false}) {
        Object* object = sample::take_one(gone, kClasses - 1).objects.at(0);
        Slab& wide = *slab_of(object);
        gone.give(wide, object);
        const Units half = wide.info().units / 2;
        ASSERT_GT(half, Units{});
        set_entries(wide.first_unit() + (first_half ? half.count() : 0), half, 0);
        runs_after_fork_child(Others::kLived, Transit::kNobodys);
        salvage();
        size_t entries = 0;
        for (size_t window = 0; window < window_count(); ++window)
            for (size_t unit = window_units(window).first; unit < window_units(window).end; ++unit)
                entries += entry_of(unit) != 0;
        EXPECT_EQ(Units::within(run_stats().in_use), Units{entries});
        for (size_t i = 0; i < (2 * half).count(); ++i)
            EXPECT_EQ(entry_of(wide.first_unit() + i), 0u);
    }
}

// A signal handler forked over what the survivor did to a heap, its own or one that it collects from: that heap is
// left as it is.
TEST_F(Salvage, AHeapWhoseDoorLockIsTheSurvivorsIsLeftAlone) {
    HeapDoor& door = gone.door();
    door.lock.lock();
    salvage_heaps(&survivor);
    EXPECT_TRUE(door.lock.is_mine());
    EXPECT_EQ(slab->owner.load(), gone.id());
    EXPECT_EQ(slab->free_count(), 3u);
    EXPECT_FALSE(gone.idle());
    sample::expect_sound(*slab);
    door.lock.unlock();
    salvage();
    EXPECT_EQ(slab->free_count(), 3u);
}

TEST_F(Salvage, WithoutASurvivorEverythingIsTheOrphans) {
    salvage_heaps(nullptr);
    EXPECT_EQ(slab->owner.load(), kOrphanHeap);
    EXPECT_EQ(orphans.take_slab(size_class, survivor)->size_class, size_class);
}

}  // namespace
}  // namespace tarn
