/* SPDX-License-Identifier: MIT
 * tarn/interner.h from C: every function, its edges and its errors. */
#include "tarn/interner.h"
#include "tarn/keywords.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tarn/statistics.h"

#define CHECK(condition)   \
    ((condition) ? (void)0 \
                 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition), abort()))

static tarn_interner* table_with(uint32_t flags, const char* const* keywords, uint32_t count) {
    tarn_interner_options options = TARN_INTERNER_OPTIONS_INIT;
    options.flags = flags;
    options.keywords = keywords;
    options.keyword_count = count;
    tarn_interner* table = tarn_interner_create(&options, sizeof options);
    CHECK(table != NULL);
    return table;
}

static const tarn_interned* intern(tarn_interner* table, const char* text) {
    const tarn_interned* string = tarn_intern(table, text, strlen(text));
    CHECK(string != NULL);
    return string;
}

static tarn_interner_stats stats_of(tarn_interner* table) {
    tarn_interner_stats stats;
    CHECK(tarn_interner_stats_get(table, &stats, sizeof stats) == 0);
    CHECK(stats.version == TARN_INTERNER_STATS_VERSION);
    return stats;
}

static void check_string(const tarn_interned* string, const char* text, size_t length) {
    CHECK(tarn_interned_length(string) == length);
    CHECK(length == 0 || memcmp(tarn_interned_text(string), text, length) == 0);
    CHECK(tarn_interned_text(string)[length] == 0);
    CHECK(tarn_interned_of(tarn_interned_text(string)) == string);
    CHECK((size_t)string % 4 == 0);
}

static void equal_strings_have_one_address(uint32_t flags) {
    tarn_interner* table = table_with(flags, NULL, 0);
    char text[600];
    const tarn_interned* strings[600];
    for (size_t i = 0; i < sizeof text; ++i)
        text[i] = (char)('a' + i % 23);
    for (size_t length = 0; length < 600; ++length) {
        CHECK(tarn_interner_find(table, text, length) == NULL);
        strings[length] = tarn_intern(table, text, length);
        CHECK(strings[length] != NULL);
    }
    for (size_t length = 0; length < 600; ++length) {
        char* copy = malloc(length + 1); /* of its own, so that reading too far is seen by a sanitizer */
        CHECK(copy != NULL);
        memcpy(copy, text, length);
        CHECK(tarn_intern(table, copy, length) == strings[length]);
        CHECK(tarn_interner_find(table, copy, length) == strings[length]);
        check_string(strings[length], copy, length);
        CHECK(tarn_interned_keyword(strings[length]) == -1);
        for (size_t at = 0; at < length; ++at) { /* each byte counts */
            copy[at] ^= 1;
            CHECK(tarn_interner_find(table, copy, length) == NULL);
            copy[at] ^= 1;
        }
        free(copy);
    }
    tarn_interner_destroy(table);
}

static void text_may_hold_any_bytes(void) {
    tarn_interner* table = tarn_interner_create(NULL, 0);
    CHECK(table != NULL);
    const tarn_interned* a = tarn_intern(table, "a\0b", 3);
    const tarn_interned* b = tarn_intern(table, "a\0c", 3);
    CHECK(a != NULL && b != NULL && a != b && a != tarn_intern(table, "a", 1));
    check_string(a, "a\0b", 3);
    CHECK(tarn_intern(table, NULL, 0) == tarn_intern(table, "x", 0));
    check_string(tarn_intern(table, NULL, 0), "", 0);
    CHECK(tarn_intern(table, "\xff\x80", 2) != tarn_intern(table, "\xff\x81", 2));
    tarn_interner_destroy(table);
}

static void large_strings_have_room(uint32_t flags) {
    static const size_t sizes[] = {32000, 32768, 40000, 1000000, 20000000};
    tarn_interner* table = table_with(flags, NULL, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        char* text = malloc(sizes[i]);
        CHECK(text != NULL);
        memset(text, 'x', sizes[i]);
        const tarn_interned* string = tarn_intern(table, text, sizes[i]);
        CHECK(string != NULL && tarn_intern(table, text, sizes[i]) == string);
        check_string(string, text, sizes[i]);
        text[sizes[i] / 2] = 'y';
        CHECK(tarn_interner_find(table, text, sizes[i]) == NULL);
        free(text);
    }
    CHECK(stats_of(table).strings == 5);
    tarn_interner_destroy(table);
}

static void pairs_are_joined(void) {
    tarn_interner* table = tarn_interner_create(NULL, 0);
    CHECK(tarn_intern_pair(table, "for", 3, "each", 4) == intern(table, "foreach"));
    CHECK(tarn_intern_pair(table, NULL, 0, "each", 4) == intern(table, "each"));
    CHECK(tarn_intern_pair(table, "for", 3, NULL, 0) == intern(table, "for"));
    CHECK(tarn_intern_pair(table, NULL, 0, NULL, 0) == intern(table, ""));
    char text[1000];
    memset(text, 'q', sizeof text);
    for (size_t length = 100; length <= 500; ++length)
        CHECK(tarn_intern_pair(table, text, length, text, 30) == tarn_intern(table, text, length + 30));
    errno = 0;
    CHECK(tarn_intern_pair(table, NULL, 1, "a", 1) == NULL && errno == EINVAL);
    errno = 0;
    CHECK(tarn_intern_pair(table, "a", 1, NULL, 1) == NULL && errno == EINVAL);
    errno = 0;
    CHECK(tarn_intern_pair(table, "a", SIZE_MAX, "a", 2) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(tarn_intern_pair(table, "a", 2000000000, "a", 2000000000) == NULL && errno == ENOMEM);
    tarn_interner_destroy(table);
}

static void bad_arguments_are_refused(void) {
    tarn_interner* table = tarn_interner_create(NULL, 0);
    errno = 0;
    CHECK(tarn_intern(NULL, "a", 1) == NULL && errno == EINVAL);
    errno = 0;
    CHECK(tarn_intern(table, NULL, 1) == NULL && errno == EINVAL);
    errno = 0;
    CHECK(tarn_intern(table, "a", ((size_t)1 << 31) - 64) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(tarn_intern(table, "a", SIZE_MAX) == NULL && errno == ENOMEM);
    errno = 4711;
    CHECK(tarn_interner_find(NULL, "a", 1) == NULL && tarn_interner_find(table, NULL, 1) == NULL);
    CHECK(tarn_interner_find(table, "a", SIZE_MAX) == NULL && tarn_interner_find(table, "a", 1) == NULL);
    CHECK(tarn_interner_keyword(NULL, 0) == NULL && tarn_interner_keyword(table, 0) == NULL);
    CHECK(tarn_interned_retain(table, NULL) == NULL);
    tarn_interned_release(table, NULL);
    tarn_interned_release(NULL, NULL);
    tarn_interned_release(table, intern(table, "stays")); /* ordinary: nothing is counted */
    CHECK(tarn_interned_retain(table, intern(table, "stays")) == intern(table, "stays"));
    tarn_interner_destroy(NULL);
    CHECK(errno == 4711);
    CHECK(stats_of(table).strings == 1 && stats_of(table).requests == 3);
    tarn_interner_destroy(table);
}

static void refuse(const tarn_interner_options* options, size_t size) {
    errno = 0;
    CHECK(tarn_interner_create(options, size) == NULL && errno == EINVAL);
}

static void options_are_checked(void) {
    static const char* const twice[] = {"a", "b", "a"};
    static const char* const hole[] = {"a", NULL};
    tarn_stats before, after;
    CHECK(tarn_stats_get(&before, sizeof before) == 0);
    tarn_interner_options options = TARN_INTERNER_OPTIONS_INIT;
    for (size_t size = 0; size < 4; ++size)
        refuse(&options, size);
    options.version = 2;
    refuse(&options, sizeof options);
    options.version = 0;
    refuse(&options, sizeof options);
    options.version = 1;
    options.flags = 4;
    refuse(&options, sizeof options);
    options.flags = 0;
    for (options.shards = 1; options.shards <= 64; ++options.shards)
        if (options.shards == 1 || options.shards == 2 || options.shards == 4 || options.shards == 8 ||
            options.shards == 16) {
            tarn_interner* table = tarn_interner_create(&options, sizeof options);
            CHECK(table != NULL && intern(table, "a") == intern(table, "a"));
            tarn_interner_destroy(table);
        } else {
            refuse(&options, sizeof options);
        }
    options.shards = 0;
    options.keyword_count = 3;
    refuse(&options, sizeof options);
    options.keywords = twice;
    refuse(&options, sizeof options);
    options.keywords = hole;
    options.keyword_count = 2;
    refuse(&options, sizeof options);
    options.keyword_count = UINT32_MAX;
    refuse(&options, sizeof options);
    /* A struct of an older library: what it does not have is 0. */
    options.keyword_count = 3;
    tarn_interner* table = tarn_interner_create(&options, offsetof(tarn_interner_options, keyword_count));
    CHECK(table != NULL && tarn_interner_keyword(table, 0) == NULL);
    tarn_interner_destroy(table);
    CHECK(tarn_stats_get(&after, sizeof after) == 0);
    CHECK(after.live_objects == before.live_objects && after.live_bytes == before.live_bytes);
}

static void keywords_have_dense_numbers(uint32_t flags) {
    static const enum tarn_keyword_set sets[] = {TARN_KEYWORDS_TEMPLATE, TARN_KEYWORDS_PYTHON};
    for (int i = 0; i < 2; ++i) {
        size_t count = 0;
        const char* const* words = tarn_keywords(sets[i], &count);
        CHECK(words != NULL && count == (i == 0 ? TARN_TEMPLATE_KEYWORDS : TARN_PYTHON_KEYWORDS));
        tarn_interner* table = table_with(flags, words, (uint32_t)count);
        CHECK(stats_of(table).keywords == count && stats_of(table).strings == count);
        for (size_t number = 0; number < count; ++number) {
            const tarn_interned* word = tarn_interner_keyword(table, number);
            CHECK(word != NULL && tarn_interned_keyword(word) == (int)number);
            CHECK(word == intern(table, words[number]));
            check_string(word, words[number], strlen(words[number]));
            for (int n = 0; n < 5; ++n) /* keywords stay */
                tarn_interned_release(table, word);
            CHECK(tarn_interner_find(table, words[number], strlen(words[number])) == word);
        }
        CHECK(tarn_interner_keyword(table, count) == NULL);
        CHECK(tarn_interned_keyword(intern(table, "not a keyword")) == -1);
        tarn_interner_destroy(table);
    }
    size_t count;
    errno = 0;
    CHECK(tarn_keywords((enum tarn_keyword_set)0, &count) == NULL && errno == EINVAL);
    errno = 0;
    CHECK(tarn_keywords(TARN_KEYWORDS_TEMPLATE, NULL) == NULL && errno == EINVAL);
}

/* The enums and the words are two lists. */
static void enums_name_their_words(void) {
    size_t count;
    const char* const* words = tarn_keywords(TARN_KEYWORDS_TEMPLATE, &count);
    CHECK(strcmp(words[TARN_TEMPLATE_SET], "set") == 0 && strcmp(words[TARN_TEMPLATE_IMPORT], "import") == 0);
    CHECK(strcmp(words[TARN_TEMPLATE_IF], "if") == 0 && strcmp(words[TARN_TEMPLATE_ENDIF], "endif") == 0);
    CHECK(strcmp(words[TARN_TEMPLATE_FOR], "for") == 0 && strcmp(words[TARN_TEMPLATE_ENDFOR], "endfor") == 0);
    CHECK(strcmp(words[TARN_TEMPLATE_WHILE], "while") == 0 &&
          strcmp(words[TARN_TEMPLATE_RETURN], "return") == 0);
    CHECK(strcmp(words[TARN_TEMPLATE_FUNCTION], "function") == 0 &&
          strcmp(words[TARN_TEMPLATE_FALSE], "false") == 0);
    const char* const* python = tarn_keywords(TARN_KEYWORDS_PYTHON, &count);
    CHECK(strcmp(python[TARN_PYTHON_FALSE], "False") == 0 && strcmp(python[TARN_PYTHON_DEF], "def") == 0);
    CHECK(strcmp(python[TARN_PYTHON_IF], "if") == 0 && strcmp(python[TARN_PYTHON_YIELD], "yield") == 0);
    CHECK(strcmp(python[TARN_PYTHON_LAMBDA], "lambda") == 0 && strcmp(python[TARN_PYTHON_AS], "as") == 0);
    for (size_t i = 1; i < count; ++i) /* keyword.kwlist is sorted */
        CHECK(strcmp(python[i - 1], python[i]) < 0);
}

static void seeds_decide_hashes(void) {
    tarn_interner_options options = {TARN_INTERNER_OPTIONS_VERSION, TARN_INTERNER_SEEDED, 0, 0, NULL, 0, 42};
    tarn_interner* a = tarn_interner_create(&options, sizeof options);
    tarn_interner* b = tarn_interner_create(&options, sizeof options);
    options.seed = 43;
    tarn_interner* c = tarn_interner_create(&options, sizeof options);
    tarn_interner *d = tarn_interner_create(NULL, 0), *e = tarn_interner_create(NULL, 0);
    int same_seed = 0, other_seed = 0, no_seed = 0;
    for (int i = 0; i < 100; ++i) {
        char text[32];
        snprintf(text, sizeof text, "%d", i);
        const uint32_t hash = tarn_interned_hash(intern(a, text));
        same_seed += hash == tarn_interned_hash(intern(b, text));
        other_seed += hash == tarn_interned_hash(intern(c, text));
        no_seed += tarn_interned_hash(intern(d, text)) == tarn_interned_hash(intern(e, text));
    }
    CHECK(same_seed == 100 && other_seed <= 1 && no_seed <= 1);
    tarn_interner_destroy(a), tarn_interner_destroy(b), tarn_interner_destroy(c);
    tarn_interner_destroy(d), tarn_interner_destroy(e);
}

static void the_last_reference_drops_a_string(void) {
    tarn_interner* table = table_with(TARN_INTERNER_COUNTED, NULL, 0);
    const tarn_interned* string = intern(table, "once");
    CHECK(intern(table, "once") == string && tarn_interner_find(table, "once", 4) == string);
    CHECK(tarn_interned_retain(table, string) == string); /* four references */
    CHECK(stats_of(table).copy_bytes == 4 * 16);
    for (int i = 0; i < 3; ++i) {
        tarn_interned_release(table, string);
        CHECK(stats_of(table).strings == 1);
    }
    check_string(string, "once", 4);
    errno = 4711;
    tarn_interned_release(table, string);
    CHECK(errno == 4711);
    CHECK(stats_of(table).strings == 0 && stats_of(table).copy_bytes == 0);
    CHECK(tarn_interner_find(table, "once", 4) == NULL);
    CHECK(stats_of(table).requests == 2);
    tarn_interner_destroy(table);
}

static void counted_tables_shrink(void) {
    enum { kMany = 20000 };
    static const tarn_interned* strings[kMany];
    tarn_interner* table = table_with(TARN_INTERNER_COUNTED, NULL, 0);
    const uint64_t empty = stats_of(table).allocated_bytes;
    char text[32];
    for (int i = 0; i < kMany; ++i) {
        snprintf(text, sizeof text, "string %d", i);
        strings[i] = intern(table, text);
    }
    CHECK(stats_of(table).allocated_bytes > kMany * 32);
    for (int i = 0; i < kMany; ++i)
        tarn_interned_release(table, strings[(i * 7) % kMany]);
    CHECK(stats_of(table).strings == 0);
    CHECK(stats_of(table).allocated_bytes < empty + 4096);
    tarn_interner_destroy(table);
}

static int gather(void* context, const tarn_interned* string) {
    *(size_t*)context += tarn_interned_length(string);
    return 0;
}
static int stop_at_third(void* context, const tarn_interned* string) {
    (void)string;
    return ++*(int*)context == 3 ? 7 : 0;
}
struct renewal {
    tarn_interner* table;
    size_t visits;
};
static int use_the_table(void* context, const tarn_interned* string) {
    struct renewal* on = context;
    tarn_interned_release(on->table, string);
    tarn_interned_release(on->table, tarn_intern(on->table, "new", 3));
    ++on->visits;
    return 0;
}

static void each_string_is_visited(uint32_t flags) {
    tarn_interner* table = table_with(flags, NULL, 0);
    char text[1000];
    memset(text, 'z', sizeof text);
    for (size_t length = 0; length < 1000; ++length)
        CHECK(tarn_intern(table, text, length) != NULL);
    size_t sum = 0;
    CHECK(tarn_intern_each(table, gather, &sum) == 0 && sum == 999 * 1000 / 2);
    int visits = 0;
    CHECK(tarn_intern_each(table, stop_at_third, &visits) == 7 && visits == 3);
    errno = 0;
    CHECK(tarn_intern_each(table, NULL, NULL) == -1 && errno == EINVAL);
    CHECK(tarn_intern_each(NULL, gather, &sum) == -1);
    struct renewal on = {table, 0};
    CHECK(tarn_intern_each(table, use_the_table, &on) == 0 && on.visits >= 1000 && on.visits <= 1001);
    CHECK(stats_of(table).strings == (flags & TARN_INTERNER_COUNTED ? 0 : 1001));
    tarn_interner_destroy(table);
}

static void the_process_has_a_table(void) {
    tarn_interner* table = tarn_interner_process();
    CHECK(table != NULL && table == tarn_interner_process());
    const tarn_interned* string = intern(table, "for ever");
    tarn_interner_destroy(table); /* is left alone */
    CHECK(intern(tarn_interner_process(), "for ever") == string);
}

int main(void) {
    for (uint32_t flags = 0; flags <= TARN_INTERNER_COUNTED; ++flags) {
        equal_strings_have_one_address(flags);
        large_strings_have_room(flags);
        keywords_have_dense_numbers(flags);
        each_string_is_visited(flags);
    }
    text_may_hold_any_bytes();
    pairs_are_joined();
    bad_arguments_are_refused();
    options_are_checked();
    enums_name_their_words();
    seeds_decide_hashes();
    the_last_reference_drops_a_string();
    counted_tables_shrink();
    the_process_has_a_table();
    return 0;
}
