// SPDX-License-Identifier: MIT
// Pointers of libc's own allocator: how they are known, what is taken for one and what is not, and that nothing is
// read that cannot be.
#include "entry/foreign.h"

#include <sys/mman.h>

#include <cerrno>

#include "backend/blocks.h"
#include "entry_sample.h"
#include "os/os.h"
#include "stats/stats.h"

namespace tarn {
namespace {

uint64_t foreign_frees() {
    Snapshot snapshot;
    take_snapshot(snapshot);
    return snapshot.foreign_frees;
}

// Two pages of which the second cannot be read.
class Fence {
  public:
    Fence() { mprotect(at_ + os::page_size(), os::page_size(), PROT_NONE); }
    ~Fence() { munmap(at_, 3 * os::page_size()); }
    Fence(const Fence&) = delete;
    Fence& operator=(const Fence&) = delete;
    char* end() const { return at_ + os::page_size(); }         // of what can be read
    char* behind() const { return at_ + 2 * os::page_size(); }  // can be read again

  private:
    char* at_ = static_cast<char*>(os::map(3 * os::page_size()));
};

// A chunk as glibc writes them, somewhere in memory.
struct Forged {
    alignas(16) size_t words[64] = {};

    explicit Forged(size_t size_word, size_t next_word = 0x21) {
        words[1] = size_word;
        const size_t next = (size_word & ~size_t{7}) / sizeof(size_t) + 1;
        if (next < 64) words[next] = next_word;
    }
    void* pointer() { return words + 2; }
};

TEST(Foreign, AChunkHasTheSizeThatLibcSays) {
    for (size_t size = 1; size < 3000; size += 7) {
        void* const chunk = __libc_malloc(size);
        EXPECT_EQ(libc_size(chunk), sample::libc_usable(size));
        __libc_free(chunk);
    }
}

TEST(Foreign, AChunkThatIsAMappingOfItsOwn) {
    constexpr size_t kSize = size_t{40} << 20;  // above every threshold of glibc's
    void* const chunk = __libc_malloc(kSize);
    ASSERT_TRUE(chunk);
    const size_t page = os::page_size();
    EXPECT_EQ(libc_size(chunk), (kSize + 16 + page - 1) / page * page - 16);
    release_foreign(chunk);
    EXPECT_EQ(libc_size(chunk), 0u) << "it is gone";
}

TEST(Foreign, LibcFreesItAndItIsCounted) {
    const uint64_t before = foreign_frees();
    void* const chunk = __libc_malloc(300);
    release_foreign(chunk);
    EXPECT_EQ(foreign_frees(), before + 1);
    void* const again = __libc_malloc(300);
    EXPECT_EQ(again, chunk) << "what was freed last is handed out first";
    release_foreign(again);
    EXPECT_EQ(foreign_frees(), before + 2);
}

TEST(Foreign, ByTheWayOfAnyFree) {
    const uint64_t before = foreign_frees();
    void* const chunk = __libc_malloc(300);
    errno = 5;
    release(chunk);
    EXPECT_EQ(errno, 5);
    EXPECT_EQ(foreign_frees(), before + 1);
}

TEST(Foreign, WhatLooksLikeAChunkIsTakenForOne) {
    Forged chunk(0x41);
    EXPECT_EQ(libc_size(chunk.pointer()), 0x40 - 8u);
}

TEST(Foreign, WhatNoChunkCanBeIsNone) {
    for (const size_t word : {size_t{0}, size_t{0x11}, size_t{0x19}, size_t{0x49}}) {
        Forged chunk(word);
        EXPECT_EQ(libc_size(chunk.pointer()), 0u) << "size " << word;
    }
    Forged next_too_small(0x41, 0x1);
    EXPECT_EQ(libc_size(next_too_small.pointer()), 0u);
    Forged next_says_free(0x41, 0x20);
    EXPECT_EQ(libc_size(next_says_free.pointer()), 0u);
    Forged mapped_off_a_page(0x1002);
    EXPECT_EQ(libc_size(mapped_off_a_page.pointer()), 0u);
    Forged good(0x41);
    EXPECT_EQ(libc_size(static_cast<char*>(good.pointer()) + 8), 0u) << "not aligned";
    EXPECT_EQ(libc_size(reinterpret_cast<void*>(16)), 0u);
}

TEST(Foreign, NothingIsReadThatCannotBe) {
    const Fence fence;
    EXPECT_EQ(libc_size(fence.behind()), 0u) << "the header";
    auto* const words = reinterpret_cast<size_t*>(fence.end() - 64);
    words[1] = 0x41;
    EXPECT_EQ(libc_size(words + 2), 0u) << "the next chunk";
    words[1] = size_t{1} << 62 | 1;
    EXPECT_EQ(libc_size(words + 2), 0u) << "the next chunk, out of this world";
    words[1] = 0x31;
    words[7] = 0x21;
    EXPECT_EQ(libc_size(words + 2), 0x30 - 8u) << "all of it can be read";
}

TEST(Foreign, WhatLiesInAWindowIsNever) {
    auto* const words = static_cast<size_t*>(allocate(256));
    words[1] = 0x41;
    words[9] = 0x21;
    EXPECT_EQ(libc_size(words + 2), 0u);
    release(words);
}

TEST(ForeignDeathTest, TheMiddleOfABlockIsSaidToBeThat) {
    char* const run = static_cast<char*>(allocate(40000));
    char* const mapping = static_cast<char*>(allocate(size_t{3} << 20));
    ASSERT_EQ(entry_at(run), kBlockEntry);
    ASSERT_EQ(entry_at(mapping), 0);
    for (char* block : {run, mapping})
        EXPECT_DEATH(release_foreign(block + 8192),
                     "tarn: pointer into an object: 0x[0-9a-f]+, into a large block");
    release(run);
    release(mapping);
}

TEST(ForeignDeathTest, AnythingElseWasNeverHandedOut) {
    Forged chunk(0x11);
    EXPECT_DEATH(release_foreign(chunk.pointer()), "tarn: pointer never handed out: 0x");
    const Fence fence;
    EXPECT_DEATH(release_foreign(fence.end() + 64), "tarn: pointer never handed out: 0x");
}

}  // namespace
}  // namespace tarn
