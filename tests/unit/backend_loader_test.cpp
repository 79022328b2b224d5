// SPDX-License-Identifier: MIT
// Which backend is chosen, and what is said of one that cannot be. A process chooses once, so each does so in a
// process of its own.
#include "backend/modules/loader.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "backend_sample.h"
#include "base/options.h"

namespace tarn {
namespace {

bool started = false;

int start() {
    started = true;
    return 0;
}
int refuse() {
    return 1;
}
void* allocate(size_t, size_t) {
    return nullptr;
}
void free(void*, size_t) {}
int trim() {
    return 1;
}

tarn_backend whole() {
    tarn_backend table = {};
    table.version = TARN_BACKEND_VERSION;
    table.size = sizeof table;
    table.name = "sample";
    table.start = start;
    table.allocate = allocate;
    table.free = free;
    table.trim = trim;
    table.flags = TARN_BACKEND_LOCKS_AT_FORK;
    return table;
}

// In a process that ends: what is in force, on standard error after all that the loader said.
[[noreturn]] void load(const char* name, const tarn_backend* table = nullptr) {
    strcpy(options.backend, name);
    sample::table = table;
    errno = 7;
    choose_backend();
    const tarn_backend* const current = chosen_backend();
    fprintf(stderr, "<%s%s%s%s%s>", backend_name(), current ? ", current" : "", started ? ", started" : "",
            current && current->trim ? ", trim" : "", current && current->flags ? ", flags" : "");
    exit(errno == 7 ? 0 : 1);
}

void expect_refused(const tarn_backend& table, const char* fault) {
    EXPECT_EXIT(load("system", &table), testing::ExitedWithCode(0),
                std::string("^tarn: backend system: ") + fault + "; map serves\n<map>$");
}

TEST(LoaderDeathTest, MapServesUntilSomethingElseIsLoaded) {
    EXPECT_EQ(chosen_backend(), nullptr);
    EXPECT_STREQ(backend_name(), "map");
}

TEST(LoaderDeathTest, MapIsNoTable) {
    EXPECT_EXIT(load("map"), testing::ExitedWithCode(0), "^<map>$");
}

TEST(LoaderDeathTest, AWholeTableIsStartedAndInForce) {
    const tarn_backend table = whole();
    EXPECT_EXIT(load("system", &table), testing::ExitedWithCode(0),
                "^<sample, current, started, trim, flags>$");
}

TEST(LoaderDeathTest, AVerboseProcessIsToldWhichAndWhere) {
    const tarn_backend table = whole();
    options.verbose = true;
    EXPECT_EXIT(load("system", &table), testing::ExitedWithCode(0),
                "^tarn: backend sample .built in.\n<sample");
    EXPECT_EXIT(load("map"), testing::ExitedWithCode(0), "^tarn: backend map \n<map>$");
    options.verbose = false;
}

TEST(LoaderDeathTest, ATableOfAnotherVersion) {
    for (uint32_t version : {TARN_BACKEND_VERSION - 1, TARN_BACKEND_VERSION + 1}) {
        tarn_backend table = whole();
        table.version = version;
        expect_refused(table, "made for another version of tarn");
    }
}

TEST(LoaderDeathTest, ATableThatEndsBeforeWhatIsRequired) {
    tarn_backend table = whole();
    table.size = offsetof(tarn_backend, free) + sizeof table.free - 1;
    expect_refused(table, "its table is too short");
}

// As compiled before the fields behind it were thought of: whatever lies there is not the table's.
TEST(LoaderDeathTest, ATableOfAnEarlierTarnHasNothingInTheFieldsItLacks) {
    tarn_backend table = whole();
    table.size = offsetof(tarn_backend, trim);
    EXPECT_EXIT(load("system", &table), testing::ExitedWithCode(0), "^<sample, current, started>$");
    table.size = offsetof(tarn_backend, free) + sizeof table.free;
    EXPECT_EXIT(load("system", &table), testing::ExitedWithCode(0), "^<sample, current, started>$");
}

TEST(LoaderDeathTest, ATableOfALaterTarnIsTakenAsFarAsItIsKnown) {
    struct {
        tarn_backend known = whole();
        void (*more)() = nullptr;
    } later;
    later.known.size = sizeof later;
    EXPECT_EXIT(load("system", &later.known), testing::ExitedWithCode(0),
                "^<sample, current, started, trim, flags>$");
}

TEST(LoaderDeathTest, WithoutAllocateOrFreeThereIsNoBackend) {
    tarn_backend table = whole();
    table.allocate = nullptr;
    expect_refused(table, "it has no allocate or no free");
    table = whole();
    table.free = nullptr;
    expect_refused(table, "it has no allocate or no free");
}

TEST(LoaderDeathTest, OneThatDoesNotStartIsNotInForce) {
    tarn_backend table = whole();
    table.start = refuse;
    expect_refused(table, "it did not start");
}

TEST(LoaderDeathTest, NeitherStartNorNameIsRequired) {
    tarn_backend table = whole();
    table.start = nullptr;
    table.name = nullptr;
    EXPECT_EXIT(load("system", &table), testing::ExitedWithCode(0), "^<unnamed, current, trim, flags>$");
}

TEST(LoaderDeathTest, WithoutASecondMallocSystemIsAbsent) {
    EXPECT_EXIT(load("system"), testing::ExitedWithCode(0),
                "^tarn: backend system: no second malloc in a static program; map serves\n<map>$");
}

TEST(LoaderDeathTest, AModuleThatIsNotThere) {
    EXPECT_EXIT(load("nothing"), testing::ExitedWithCode(0),
                "^tarn: backend nothing: libtarn-nothing.so is not installed; map serves\n<map>$");
    EXPECT_EXIT(load("/nowhere/plugin.so"), testing::ExitedWithCode(0),
                "^tarn: backend /nowhere/plugin.so: .*; map serves\n<map>$");
}

TEST(LoaderDeathTest, ALibraryThatIsNoBackend) {
    Dl_info libc;
    ASSERT_TRUE(dladdr(reinterpret_cast<void*>(&gnu_get_libc_version), &libc));
    EXPECT_EXIT(load(libc.dli_fname), testing::ExitedWithCode(0),
                "^tarn: backend .*: it has no tarn_backend_entry; map serves\n<map>$");
}

}  // namespace
}  // namespace tarn
