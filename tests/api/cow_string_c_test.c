/* SPDX-License-Identifier: MIT
 * Every function of cow_string.h, from C. A failed check ends the program with the line that failed. */
#define _POSIX_C_SOURCE 200809L
#include "tarn/cow_string.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tarn/statistics.h"

#define CHECK(condition)   \
    ((condition) ? (void)0 \
                 : (fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition), abort()))

static const char text_of_41[] = "  Forty-one bytes of text, \tspaces and all";

static int is(const tarn_string* text, const char* expected) {
    return tarn_string_equal(text, expected, strlen(expected));
}

static tarn_string copy_of(const char* text) {
    tarn_string result;
    CHECK(tarn_string_copy(text, strlen(text), &result) == 0);
    return result;
}

static tarn_string_counters counters_now(void) {
    tarn_string_counters counters;
    CHECK(tarn_string_counters_get(&counters, sizeof counters) == 0);
    return counters;
}

static uint64_t live_now(void) {
    static tarn_stats stats;
    CHECK(tarn_stats_get(&stats, sizeof stats) == 0);
    return stats.live_objects;
}

static void zeros_are_the_empty_string(void) {
    tarn_string zeros = {0, NULL, 0}, copy, borrowed;
    CHECK(tarn_string_length(&zeros) == 0 && is(&zeros, "") && tarn_string_c_str(&zeros)[0] == 0);
    CHECK(tarn_string_is_short(&zeros) && tarn_string_sharers(&zeros) == 0);
    tarn_string_share(&zeros, &copy);
    tarn_string_borrow(NULL, 0, &borrowed);
    CHECK(tarn_string_compare(&copy, &borrowed) == 0 && memcmp(&copy, &zeros, sizeof zeros) == 0);
    CHECK(tarn_string_append(&zeros, NULL, 0) == 0 && tarn_string_append(&zeros, "ab", 2) == 0 &&
          is(&zeros, "ab"));
    CHECK(tarn_string_push(&zeros, 0) == 0 && tarn_string_push(&zeros, 'c') == 0);
    CHECK(tarn_string_equal(&zeros, "ab\0c", 4));
    tarn_string_destroy(&zeros);
    CHECK(is(&zeros, ""));
    tarn_string_destroy(&zeros);
}

static void buffers_are_shared_and_freed(void) {
    const uint64_t live = live_now();
    tarn_string text = copy_of(text_of_41), copy, slice, moved;
    CHECK(live_now() == live + 1 && tarn_string_sharers(&text) == 1 && !tarn_string_is_short(&text));
    tarn_string_share(&text, &copy);
    tarn_string_slice(&text, 2, 23, &slice);
    CHECK(live_now() == live + 1 && tarn_string_sharers(&text) == 3);
    CHECK(tarn_string_text(&slice) == tarn_string_text(&text) + 2 && is(&slice, "Forty-one bytes of text"));
    memcpy(&moved, &slice, sizeof moved); /* slice is forgotten */
    tarn_string_destroy(&text);
    tarn_string_destroy(&copy);
    CHECK(tarn_string_sharers(&moved) == 1 && is(&moved, "Forty-one bytes of text"));
    tarn_string_destroy(&moved);
    CHECK(live_now() == live);
}

static void slices_are_clamped(void) {
    for (int size = 0; size < 2; ++size) {
        const char* const model = size ? text_of_41 : "short";
        const size_t length = strlen(model), positions[] = {0, 1, 4, length, length + 1, SIZE_MAX};
        for (size_t p = 0; p < 6; ++p)
            for (size_t l = 0; l < 6; ++l)
                for (int in_place = 0; in_place < 2; ++in_place) {
                    tarn_string text = copy_of(model), result;
                    const size_t from = positions[p] < length ? positions[p] : length;
                    const size_t count = positions[l] < length - from ? positions[l] : length - from;
                    tarn_string* const to = in_place ? &text : &result;
                    tarn_string_slice(&text, positions[p], positions[l], to);
                    CHECK(tarn_string_equal(to, model + from, count));
                    if (!in_place) tarn_string_destroy(&result);
                    tarn_string_destroy(&text);
                }
    }
}

static void changes_in_place_and_apart(void) {
    for (int in_place = 0; in_place < 2; ++in_place) {
        tarn_string text = copy_of(text_of_41), result = {0, NULL, 0};
        tarn_string* const to = in_place ? &text : &result;
        tarn_string_trim(&text, TARN_STRING_START, to);
        CHECK(is(to, text_of_41 + 2));
        tarn_string_destroy(&result);
        CHECK(tarn_string_upper(&text, to) == 0);
        CHECK(is(to, in_place ? "FORTY-ONE BYTES OF TEXT, \tSPACES AND ALL"
                              : "  FORTY-ONE BYTES OF TEXT, \tSPACES AND ALL"));
        tarn_string_destroy(&result);
        CHECK(tarn_string_lower(&text, to) == 0 && strstr(tarn_string_c_str(to), "forty-one bytes") != NULL);
        tarn_string_destroy(&result);
        CHECK(tarn_string_replace(&text, " ", 1, "__", 2, to) == 0 &&
              strstr(tarn_string_c_str(to), "bytes__of") != NULL);
        tarn_string_destroy(&result);
        CHECK(tarn_string_own(&text, to) == 0 && tarn_string_compare(to, &text) == 0);
        tarn_string_destroy(&result);
        tarn_string_destroy(&text);
    }
    tarn_string blank = copy_of(" \t\r\n "), ends = copy_of(" a b ");
    tarn_string_trim(&blank, TARN_STRING_BOTH, &blank);
    tarn_string_trim(&ends, TARN_STRING_END, &ends);
    CHECK(is(&blank, "") && is(&ends, " a b"));
}

static void split_gives_every_piece(void) {
    static const char* const expected[] = {"a", "", "b", ""};
    tarn_string text = copy_of("a,,b,"), piece;
    size_t position = 0, count = 0;
    while (tarn_string_split_next(&text, ",", 1, &position, &piece)) {
        CHECK(count < 4 && is(&piece, expected[count]));
        ++count;
        tarn_string_destroy(&piece);
    }
    CHECK(count == 4 && !tarn_string_split_next(&text, ",", 1, &position, &piece));
    position = 0;
    CHECK(tarn_string_split_next(&text, "", 0, &position, &piece) && is(&piece, "a,,b,"));
    CHECK(!tarn_string_split_next(&text, "", 0, &position, &piece));
}

static void borrowed_text_is_not_copied(void) {
    const uint64_t live = live_now();
    tarn_string text, part, sum, empty = {0, NULL, 0};
    tarn_string_borrow_terminated(text_of_41, &text);
    CHECK(tarn_string_c_str(&text) == text_of_41 && tarn_string_is_borrowed(&text));
    tarn_string_slice(&text, 2, SIZE_MAX, &part);
    CHECK(tarn_string_c_str(&part) == text_of_41 + 2);
    CHECK(tarn_string_concat(&text, &empty, &sum) == 0 && tarn_string_text(&sum) == text_of_41);
    CHECK(live_now() == live);
    char* const written = tarn_string_edit(&part);
    CHECK(written && written != text_of_41 + 2 && text_of_41[2] == 'F' && live_now() == live + 1);
    written[0] = 'f';
    CHECK(tarn_string_compare(&part, &text) > 0); /* 'f' after ' ' */
    CHECK(tarn_string_append(&sum, tarn_string_text(&sum) + 2, 5) == 0 &&
          strstr(tarn_string_c_str(&sum), "allForty"));
    tarn_string_destroy(&part);
    tarn_string_destroy(&sum);
    tarn_string_destroy(&text);
    CHECK(live_now() == live);
}

static void comparison_is_by_bytes(void) {
    static const char* const ordered[] = {"", "a", "aa", "ab", "b", "\xc3\xa9"};
    for (size_t i = 0; i < 6; ++i)
        for (size_t j = 0; j < 6; ++j) {
            tarn_string a = copy_of(ordered[i]), b = copy_of(ordered[j]);
            const int order = tarn_string_compare(&a, &b);
            CHECK((order > 0) - (order < 0) == (i > j) - (i < j));
        }
}

static void counters_are_exact(void) {
    tarn_string_counters before = counters_now(), after;
    tarn_string text = copy_of(text_of_41), copy, small = copy_of("123"), smaller;
    tarn_string_share(&text, &copy);
    tarn_string_share(&small, &smaller);
    after = counters_now();
    CHECK(after.version == TARN_STRING_COUNTERS_VERSION);
    CHECK(after.copies - before.copies == 3 &&
          after.bytes_copied - before.bytes_copied == strlen(text_of_41) + 6);
    CHECK(after.copies_avoided - before.copies_avoided == 1);
    CHECK(after.bytes_not_copied - before.bytes_not_copied == strlen(text_of_41));
    struct {
        tarn_string_counters known;
        uint64_t newer;
    } larger;
    larger.newer = 7;
    CHECK(tarn_string_counters_get(&larger.known, sizeof larger) == 0 && larger.newer == 0);
    after.copies = 4711;
    CHECK(tarn_string_counters_get(&after, sizeof after.version) == 0 && after.copies == 4711);
    CHECK(tarn_string_counters_get(NULL, sizeof after) == -1 && tarn_string_counters_get(&after, 7) == -1);
    tarn_string_destroy(&text);
    tarn_string_destroy(&copy);
}

static void too_long_is_refused(void) {
    tarn_string text = copy_of(text_of_41), result;
    const size_t lengths[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 2 - 63, (size_t)1 << 62};
    for (size_t i = 0; i < 4; ++i) {
        errno = 0;
        CHECK(tarn_string_copy("x", lengths[i], &result) == -1 && errno == ENOMEM);
        errno = 0;
        CHECK(tarn_string_append(&text, "x", lengths[i]) == -1 && errno == ENOMEM);
        errno = 0;
        CHECK(tarn_string_reserve(&text, lengths[i]) == -1 && errno == ENOMEM);
        errno = 0;
        CHECK(tarn_string_replace(&text, "y", 1, "x", lengths[i], &text) == -1 && errno == ENOMEM);
    }
    tarn_string_borrow(text_of_41, SIZE_MAX / 2 - 64, &result);
    errno = 0;
    CHECK(tarn_string_push(&result, 'x') == -1 && errno == ENOMEM);
    CHECK(tarn_string_is_borrowed(&result) && tarn_string_length(&result) == SIZE_MAX / 2 - 64);
    CHECK(is(&text, text_of_41) && tarn_string_sharers(&text) == 1);
    tarn_string_destroy(&text);
}

int main(void) {
    zeros_are_the_empty_string();
    buffers_are_shared_and_freed();
    slices_are_clamped();
    changes_in_place_and_apart();
    split_gives_every_piece();
    borrowed_text_is_not_copied();
    comparison_is_by_bytes();
    counters_are_exact();
    too_long_is_refused();
    return 0;
}
