/* SPDX-License-Identifier: MIT
 * The variables of an interpreter: each name is interned once, as the source is read; from then on names are
 * compared and looked up by address. At the end the table says what that saved. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tarn/tarn.h>

enum { kVariables = 16 };

struct variable {
    const tarn_interned* name;
    long value;
};

struct interpreter {
    tarn_interner* names;
    struct variable variables[kVariables];
    size_t count;
};

static const tarn_interned* name(struct interpreter* on, const char* text, size_t length) {
    const tarn_interned* string = tarn_intern(on->names, text, length);
    if (!string) {
        perror("interner");
        exit(1);
    }
    return string;
}

/* One comparison of two addresses per variable. */
static struct variable* variable(struct interpreter* on, const tarn_interned* wanted) {
    for (size_t i = 0; i < on->count; ++i)
        if (on->variables[i].name == wanted) return &on->variables[i];
    if (on->count == kVariables) exit(1);
    on->variables[on->count].name = wanted;
    on->variables[on->count].value = 0;
    return &on->variables[on->count++];
}

/* "total = total + price": the sum of the words on the right goes to the one on the left. */
static void run(struct interpreter* on, const char* line) {
    const tarn_interned* target = NULL;
    long sum = 0;
    while (*line) {
        const size_t length = strcspn(line, " ");
        if (*line >= '0' && *line <= '9') {
            sum += strtol(line, NULL, 10);
        } else if (*line != '=' && *line != '+') {
            const tarn_interned* word = name(on, line, length);
            if (target)
                sum += variable(on, word)->value;
            else
                target = word;
        }
        line += length + strspn(line + length, " ");
    }
    if (target) variable(on, target)->value = sum;
}

int main(void) {
    struct interpreter on = {tarn_interner_create(NULL, 0), {{NULL, 0}}, 0};
    if (!on.names) return 1;
    run(&on, "price_of_one = 12 + 3");
    for (int i = 0; i < 4000; ++i)
        run(&on, "price_of_total = price_of_total + price_of_one");
    for (size_t i = 0; i < on.count; ++i)
        printf("%s = %ld\n", tarn_interned_text(on.variables[i].name), on.variables[i].value);

    tarn_interner_stats stats;
    if (tarn_interner_stats_get(on.names, &stats, sizeof stats) != 0) return 1;
    printf("%lu names in the source, %lu of them different\n", (unsigned long)stats.requests,
           (unsigned long)stats.strings);
    printf("separate copies: %lu bytes; %s of it saved\n", (unsigned long)stats.copy_bytes,
           stats.saved > 0.9 ? "more than 90 %" : "less than 90 %");
    tarn_interner_destroy(on.names);
    return 0;
}
