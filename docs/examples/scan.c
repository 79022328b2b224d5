/* SPDX-License-Identifier: MIT
 * A splitter of CSV (RFC 4180): fields may be quoted, and a quoted one may hold commas, line feeds and
 * doubled quotes. The scanner jumps from one byte that matters to the next; the bytes between are never
 * looked at one by one. */
#include <stdio.h>
#include <string.h>

#include "tarn/scan.h"

struct reader {
    const char* text;
    size_t length, at;
    tarn_byte_set ends; /* of a field that is not quoted */
};

/* Copies one field without its quotes to `field`, which has room for it; the byte that ended it, 0 at the
 * end. */
static char next_field(struct reader* r, char* field) {
    size_t used = 0;
    if (r->at < r->length && r->text[r->at] == '"') {
        for (++r->at;; ++r->at) {
            const size_t part = tarn_find_byte(r->text + r->at, r->length - r->at, '"');
            memcpy(field + used, r->text + r->at, part);
            used += part;
            r->at += part + 1; /* past the quote */
            if (r->at >= r->length || r->text[r->at] != '"') break;
            field[used++] = '"'; /* a doubled one */
        }
        if (r->at > r->length) r->at = r->length;
    }
    const size_t rest = tarn_find_any(r->text + r->at, r->length - r->at, &r->ends);
    memcpy(field + used, r->text + r->at, rest);
    used += rest;
    field[used] = 0;
    r->at += rest;
    return r->at < r->length ? r->text[r->at++] : 0;
}

int main(void) {
    static const char text[] =
        "name,remark,price\n"
        "tarn,\"small, deep\nand cold\",12\n"
        "  beck,\"called \"\"the burn\"\" here\",7\n"
        "mere,,100\n";
    struct reader reader = {text, sizeof text - 1, 0, {{0}}};
    char field[sizeof text];
    tarn_byte_set_make(&reader.ends, ",\n", 2);

    printf("%zu bytes, %zu lines\n", reader.length, tarn_count_newlines(text, reader.length));
    while (reader.at < reader.length) {
        char end;
        do {
            end = next_field(&reader, field);
            printf("[%s]", field + tarn_skip_blanks(field, strlen(field), TARN_BLANKS_IN_LINE));
        } while (end == ',');
        printf("\n");
    }
    printf("hash %016llx\n", (unsigned long long)tarn_hash(text, reader.length, 0));
    return 0;
}
