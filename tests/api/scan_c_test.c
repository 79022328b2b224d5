/* SPDX-License-Identifier: MIT
 * Every function of scan.h, from C, in every version that this processor can run. What is scanned ends, or
 * begins, at a page that cannot be touched: a load past the given length is a crash. */
#define _GNU_SOURCE
#include "tarn/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define CHECK(condition)                                                                                   \
    ((condition) ? (void)0                                                                                 \
                 : (fprintf(stderr, "%s:%d: %s: not true: %s\n", __FILE__, __LINE__, tarn_scan_selected(), \
                            #condition),                                                                   \
                    abort()))

enum { kPage = 65536, kLengths = 300 };

static uint64_t state;

static unsigned next_random(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33);
}

/* A page that can be used, between two that cannot. */
static unsigned char* fenced_page(void) {
    unsigned char* pages = mmap(NULL, 3 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    CHECK(mprotect(pages + kPage, kPage, PROT_READ | PROT_WRITE) == 0);
    return pages + kPage;
}

/* Plain loops say what is right. */
static size_t search(const unsigned char* bytes, size_t length, const unsigned char* member, int wanted) {
    size_t i = 0;
    while (i < length && member[bytes[i]] != wanted)
        ++i;
    return i;
}

static size_t count(const unsigned char* bytes, size_t length, unsigned char byte) {
    size_t found = 0;
    for (size_t i = 0; i < length; ++i)
        if (bytes[i] == byte) ++found;
    return found;
}

struct sample {
    tarn_byte_set set;
    unsigned char member[256];
    unsigned char in, out; /* a byte that is in the set, and one that is not */
};

static struct sample random_sample(void) {
    struct sample sample;
    unsigned char bytes[256];
    const size_t some = 1 + next_random() % (next_random() % 2 ? 255 : 8);
    memset(sample.member, 0, sizeof sample.member);
    for (size_t i = 0; i < some; ++i) {
        bytes[i] = (unsigned char)next_random();
        sample.member[bytes[i]] = 1;
    }
    tarn_byte_set_make(&sample.set, bytes, some);
    sample.in = bytes[0];
    for (sample.out = 0; sample.member[sample.out];)
        ++sample.out;
    return sample;
}

static void check_searches(const unsigned char* bytes, size_t length, const struct sample* sample) {
    unsigned char only[256] = {0};
    only[sample->in] = 1;
    CHECK(tarn_find_any(bytes, length, &sample->set) == search(bytes, length, sample->member, 1));
    CHECK(tarn_find_not(bytes, length, &sample->set) == search(bytes, length, sample->member, 0));
    CHECK(tarn_find_byte(bytes, length, sample->in) == search(bytes, length, only, 1));
    CHECK(tarn_count_byte(bytes, length, sample->in) == count(bytes, length, sample->in));
}

/* Numbers behind those that are filled stay. */
static void check_marks(const unsigned char* bytes, size_t length, const struct sample* sample) {
    enum { kUntouched = 0x5a };
    uint64_t marks[(kLengths + 63) / 64 + 1], untouched;
    const size_t words = (length + 63) / 64;
    memset(marks, kUntouched, sizeof marks);
    memset(&untouched, kUntouched, sizeof untouched);
    tarn_mark_any(bytes, length, &sample->set, marks);
    for (size_t i = 0; i < 64 * words; ++i)
        CHECK((marks[i / 64] >> i % 64 & 1) == (i < length && sample->member[bytes[i]]));
    CHECK(marks[words] == untouched);
}

static void check_padded(const unsigned char* bytes, size_t length, const struct sample* sample) {
    CHECK(tarn_find_any_padded(bytes, length, &sample->set) == tarn_find_any(bytes, length, &sample->set));
    CHECK(tarn_find_not_padded(bytes, length, &sample->set) == tarn_find_not(bytes, length, &sample->set));
    CHECK(tarn_find_byte_padded(bytes, length, sample->in) == tarn_find_byte(bytes, length, sample->in));
}

/* At most one byte is what is looked for, at every place in turn; then any bytes. */
static void check_at(unsigned char* bytes, size_t length, const struct sample* sample) {
    memset(bytes, sample->out, length);
    check_searches(bytes, length, sample);
    if (length > 0) {
        const size_t at = next_random() % length;
        bytes[at] = sample->in;
        CHECK(tarn_find_any(bytes, length, &sample->set) == at);
        check_searches(bytes, length, sample);
        check_marks(bytes, length, sample);
        memset(bytes, sample->in, length);
        bytes[at] = sample->out;
        CHECK(tarn_find_not(bytes, length, &sample->set) == at);
        check_searches(bytes, length, sample);
    }
    for (size_t i = 0; i < length; ++i)
        bytes[i] = (unsigned char)next_random();
    check_searches(bytes, length, sample);
    check_marks(bytes, length, sample);
}

static void every_length_at_both_ends_of_a_page(unsigned char* page) {
    for (size_t length = 0; length <= kLengths; ++length)
        for (int i = 0; i < 12; ++i) {
            const struct sample sample = random_sample();
            check_at(page + kPage - length, length, &sample);
            check_at(page, length, &sample);
        }
}

/* The hit at every place of every length, both neighbours outside being hits as well. */
static void every_place(unsigned char* page) {
    tarn_byte_set set;
    tarn_byte_set_make(&set, "\x00z\xff", 3);
    for (size_t offset = 0; offset < 64; ++offset)
        for (size_t length = 0; length <= kLengths; length += offset > 2 ? 13 : 1) {
            unsigned char* bytes = page + 1 + offset;
            memset(page, 'z', offset + length + 100);
            memset(bytes, 'y', length);
            CHECK(tarn_find_any(bytes, length, &set) == length &&
                  tarn_find_byte(bytes, length, 'z') == length);
            CHECK(tarn_find_any_padded(bytes, length, &set) == length);
            CHECK(tarn_find_byte_padded(bytes, length, 'z') == length);
            CHECK(tarn_count_byte(bytes, length, 'z') == 0 && tarn_count_byte(bytes, length, 'y') == length);
            for (size_t at = 0; at < length; ++at) {
                bytes[at] = 'z';
                CHECK(tarn_find_any(bytes, length, &set) == at && tarn_find_byte(bytes, length, 'z') == at);
                CHECK(tarn_find_any_padded(bytes, length, &set) == at);
                CHECK(tarn_find_not(bytes + at, length - at, &set) == 1 || at + 1 == length);
                CHECK(tarn_count_byte(bytes, length, 'z') == 1);
                bytes[at] = 'y';
            }
        }
}

static void padded_versions_read_no_more_than_the_padding(unsigned char* page) {
    for (size_t length = 0; length <= kLengths; ++length)
        for (int i = 0; i < 8; ++i) {
            const struct sample sample = random_sample();
            unsigned char* bytes = page + kPage - TARN_SCAN_PADDING - length;
            for (size_t k = 0; k < length + TARN_SCAN_PADDING; ++k)
                bytes[k] = (unsigned char)next_random();
            check_padded(bytes, length, &sample);
            memset(bytes, sample.out, length);
            memset(bytes + length, sample.in, TARN_SCAN_PADDING);
            check_padded(bytes, length, &sample);
        }
}

static void long_inputs(void) {
    enum { kLong = 5000000 };
    unsigned char* bytes = malloc(kLong);
    CHECK(bytes != NULL);
    memset(bytes, 'a', kLong);
    CHECK(tarn_count_byte(bytes, kLong, 'a') == kLong && tarn_find_byte(bytes, kLong, 'b') == kLong);
    tarn_byte_set set;
    tarn_byte_set_make(&set, "xyz", 3);
    CHECK(tarn_find_any(bytes, kLong, &set) == kLong && tarn_find_not(bytes, kLong, &set) == 0);
    bytes[kLong - 2] = 'y';
    CHECK(tarn_find_any(bytes, kLong, &set) == kLong - 2 && tarn_count_byte(bytes, kLong, 'a') == kLong - 1);
    free(bytes);
}

static void all_256_bytes_and_all_sets_of_one(unsigned char* page) {
    for (unsigned i = 0; i < 256; ++i)
        page[i] = (unsigned char)i;
    for (unsigned wanted = 0; wanted < 256; ++wanted) {
        tarn_byte_set set;
        const unsigned char byte = (unsigned char)wanted;
        tarn_byte_set_make(&set, &byte, 1);
        for (unsigned i = 0; i < 256; ++i)
            CHECK(tarn_byte_set_has(&set, (unsigned char)i) == (i == wanted));
        CHECK(tarn_find_any(page, 256, &set) == wanted && tarn_find_not(page, 256, &set) == (wanted == 0));
    }
    tarn_byte_set none, all;
    tarn_byte_set_make(&none, NULL, 0);
    tarn_byte_set_make(&all, page, 256);
    CHECK(tarn_find_any(page, 256, &none) == 256 && tarn_find_not(page, 256, &none) == 0);
    CHECK(tarn_find_any(page, 256, &all) == 0 && tarn_find_not(page, 256, &all) == 256);
    uint64_t marks[4];
    tarn_mark_any(page, 256, &all, marks);
    CHECK((marks[0] & marks[1] & marks[2] & marks[3]) == UINT64_MAX);
    tarn_mark_any(page, 256, &none, marks);
    CHECK((marks[0] | marks[1] | marks[2] | marks[3]) == 0);
}

static int sign(int value) {
    return (value > 0) - (value < 0);
}

static void comparisons(unsigned char* page, unsigned char* other_page) {
    for (size_t length = 0; length <= kLengths; ++length)
        for (size_t shift = 0; shift < 40; shift += 13) {
            unsigned char *one = page + kPage - length, *other = other_page + kPage - length - shift;
            for (size_t i = 0; i < length; ++i)
                one[i] = other[i] = (unsigned char)next_random();
            CHECK(tarn_mismatch(one, other, length) == length && tarn_equal(one, other, length) == 1);
            CHECK(tarn_mismatch(other, one, length) == length); /* the second one ends at the page's end */
            CHECK(tarn_compare(one, length, other, length) == 0);
            if (length == 0) continue;
            const size_t at = next_random() % length;
            CHECK(tarn_compare(one, length, other, at) > 0 && tarn_compare(one, at, other, length) < 0);
            other[at] = (unsigned char)(other[at] + 1 + next_random() % 255);
            CHECK(tarn_mismatch(one, other, length) == at && tarn_equal(one, other, length) == 0);
            CHECK(sign(tarn_compare(one, length, other, length)) == sign(memcmp(one, other, length)));
            other[next_random() % length] ^= 1; /* a second difference, or none */
            size_t first = 0;
            while (first < length && one[first] == other[first])
                ++first;
            CHECK(tarn_mismatch(one, other, length) == first);
        }
}

static void blanks_are_skipped(unsigned char* page) {
    static const unsigned char all[] = " \t\r\n";
    for (unsigned blanks = 0; blanks <= TARN_BLANKS; ++blanks)
        for (size_t length = 0; length <= 100; ++length)
            for (int i = 0; i < 5; ++i) {
                unsigned char* text = page + kPage - length;
                size_t wanted = 0;
                for (size_t k = 0; k < length; ++k)
                    text[k] = next_random() % 40 ? all[next_random() % 4] : (unsigned char)next_random();
                for (; wanted < length; ++wanted) {
                    const unsigned char* kind = memchr(all, text[wanted], 4);
                    if (!kind || !(blanks >> (kind - all) & 1)) break;
                }
                CHECK(tarn_skip_blanks(text, length, blanks) == wanted);
            }
}

static void newlines(unsigned char* page) {
    memcpy(page, "a\nbc\n\nd", 7);
    CHECK(tarn_find_newline(page, 7) == 1 && tarn_find_newline(page + 2, 5) == 2);
    CHECK(tarn_find_newline(page + 6, 1) == 1 && tarn_count_newlines(page, 7) == 3);
}

/* Given once; they may not change. */
static void hashes_are_the_same_everywhere(void) {
    static const struct {
        size_t length;
        uint64_t seed, hash;
    } known[] = {
        {0, 0x0, 0x54224f1d7f0466d0},
        {1, 0x9e3779b97f4a7c15, 0xa40d22a1dd412019},
        {2, 0x3c6ef372fe94f82a, 0xe94f8f8f86c86829},
        {3, 0x0, 0xda2bbdc87b3636d2},
        {4, 0x9e3779b97f4a7c15, 0xda5c37b2982e9444},
        {7, 0x3c6ef372fe94f82a, 0xbeedc6b31e7d96f8},
        {8, 0x0, 0x352a418c409ccf9c},
        {15, 0x9e3779b97f4a7c15, 0xefce37c6b32ac380},
        {16, 0x3c6ef372fe94f82a, 0xb1e7cdc71ad78866},
        {17, 0x0, 0x2842c3d61b3eddb4},
        {63, 0x9e3779b97f4a7c15, 0x86c8a57558af5841},
        {64, 0x3c6ef372fe94f82a, 0x6dd3ef174c3f70fe},
        {65, 0x0, 0xba37747c5fb4444b},
        {128, 0x9e3779b97f4a7c15, 0xb76bff7c9f777109},
        {129, 0x3c6ef372fe94f82a, 0x9702b5325ca74460},
        {1000, 0x0, 0x9adf515b94cd246b},
        {1024, 0x9e3779b97f4a7c15, 0x23578274618f94c3},
    };
    unsigned char bytes[1024];
    for (size_t i = 0; i < sizeof bytes; ++i)
        bytes[i] = (unsigned char)(i * 131 + 7);
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
        CHECK(tarn_hash(bytes, known[i].length, known[i].seed) == known[i].hash);
}

static void hashes_depend_on_every_bit(unsigned char* page) {
    for (size_t length = 1; length <= kLengths; ++length) {
        unsigned char* bytes = page + kPage - length;
        for (size_t i = 0; i < length; ++i)
            bytes[i] = (unsigned char)next_random();
        const uint64_t hash = tarn_hash(bytes, length, 42);
        CHECK(hash != tarn_hash(bytes, length, 43) && hash != tarn_hash(bytes, length - 1, 42));
        unsigned flips = 0;
        for (size_t bit = 0; bit < 8 * length; ++bit) {
            bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            const uint64_t other = tarn_hash(bytes, length, 42);
            bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            CHECK(other != hash);
            flips += (unsigned)__builtin_popcountll(other ^ hash);
        }
        /* Half of 64 bits; of 8 * length samples with a deviation of 4. */
        CHECK(flips > 8 * length * 26 && flips < 8 * length * 38);
        CHECK(tarn_hash(bytes, length, 42) == hash);
    }
    CHECK(tarn_hash(NULL, 0, 1) != tarn_hash(NULL, 0, 2));
}

static void nothing_is_an_input(void) {
    tarn_byte_set set;
    tarn_byte_set_make(&set, "a", 1);
    CHECK(tarn_find_byte(NULL, 0, 'a') == 0 && tarn_find_any(NULL, 0, &set) == 0);
    CHECK(tarn_find_not(NULL, 0, &set) == 0 && tarn_count_byte(NULL, 0, 'a') == 0);
    CHECK(tarn_find_byte_padded(NULL, 0, 'a') == 0 && tarn_find_any_padded(NULL, 0, &set) == 0);
    tarn_mark_any(NULL, 0, &set, NULL);
    CHECK(tarn_find_not_padded(NULL, 0, &set) == 0 && tarn_mismatch(NULL, NULL, 0) == 0);
    CHECK(tarn_skip_blanks(NULL, 0, TARN_BLANKS) == 0 && tarn_compare(NULL, 0, NULL, 0) == 0);
}

static void versions_are_chosen(void) {
    CHECK(strcmp(tarn_scan_selected(), tarn_scan_version(0)) == 0); /* the best, unless told otherwise */
    size_t versions = 0;
    while (tarn_scan_version(versions))
        ++versions;
    CHECK(versions >= 1 && strcmp(tarn_scan_version(versions - 1), "scalar") == 0);
    CHECK(tarn_scan_version(versions + 1) == NULL && tarn_scan_version(SIZE_MAX) == NULL);
    errno = 0;
    CHECK(tarn_scan_select("avx3") == -1 && errno == EINVAL);
    CHECK(tarn_scan_select("scalar") == 0 && strcmp(tarn_scan_selected(), "scalar") == 0);
    CHECK(tarn_scan_select("") == -1 && strcmp(tarn_scan_selected(), "scalar") == 0);
    CHECK(tarn_scan_select(NULL) == 0 && strcmp(tarn_scan_selected(), tarn_scan_version(0)) == 0);
}

/* usage: scan_c_test [SEED] */
int main(int argc, char** argv) {
    state = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL);
    unsigned char *page = fenced_page(), *other = fenced_page();
    versions_are_chosen();
    for (size_t version = 0; tarn_scan_version(version); ++version) {
        CHECK(tarn_scan_select(tarn_scan_version(version)) == 0);
        printf("%s, seed %llu\n", tarn_scan_selected(), (unsigned long long)state);
        every_length_at_both_ends_of_a_page(page);
        every_place(page);
        padded_versions_read_no_more_than_the_padding(page);
        long_inputs();
        all_256_bytes_and_all_sets_of_one(page);
        comparisons(page, other);
        blanks_are_skipped(page);
        newlines(page);
        nothing_is_an_input();
        hashes_are_the_same_everywhere();
    }
    hashes_depend_on_every_bit(page);
    return 0;
}
