/* SPDX-License-Identifier: MIT
 * A template engine: every piece of the page is a slice. Text is copied only where a value is escaped. */
#include "tarn/cow_string.h"

#include <stdio.h>

static const char page_text[] =
    "<title>{{ title }}</title>\n<p>Dear {{name}}, thank you for your order of {{ goods }}.</p>\n";
static const char* const values[][2] = {{"title", "Your order"},
                                        {"name", "Ada"},
                                        {"goods", "nuts & bolts, and whatever else there was in the shop"}};

static size_t pieces;

static void print(tarn_string* piece) {
    printf("%.*s", (int)tarn_string_length(piece), tarn_string_text(piece));
    tarn_string_destroy(piece);
    ++pieces;
}

static int print_value(const tarn_string* name) {
    for (size_t i = 0; i < 3; ++i) {
        tarn_string value;
        if (!tarn_string_equal(name, values[i][0], strlen(values[i][0]))) continue;
        tarn_string_borrow_terminated(values[i][1], &value);
        if (tarn_string_replace(&value, "&", 1, "&amp;", 5, &value) != 0 ||
            tarn_string_replace(&value, "<", 1, "&lt;", 4, &value) != 0)
            return -1;
        print(&value);
    }
    return 0;
}

int main(void) {
    tarn_string page, piece, name, rest;
    tarn_string_counters before, after;
    size_t at = 0;
    tarn_string_counters_get(&before, sizeof before);
    tarn_string_borrow_terminated(page_text, &page);
    tarn_string_split_next(&page, "{{", 2, &at, &piece);
    print(&piece);
    while (tarn_string_split_next(&page, "{{", 2, &at, &piece)) { /* name }} text */
        size_t inside = 0;
        tarn_string_split_next(&piece, "}}", 2, &inside, &name);
        tarn_string_trim(&name, TARN_STRING_BOTH, &name);
        if (print_value(&name) != 0) return 1;
        tarn_string_slice(&piece, inside, SIZE_MAX, &rest);
        print(&rest);
        tarn_string_destroy(&name);
        tarn_string_destroy(&piece);
    }
    tarn_string_destroy(&page);
    tarn_string_counters_get(&after, sizeof after);
    printf("%zu pieces, %llu copied\n", pieces, (unsigned long long)(after.copies - before.copies));
    return 0;
}
