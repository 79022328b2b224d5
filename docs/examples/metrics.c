/* SPDX-License-Identifier: MIT
 * A translator's passes, each measured: what it allocated, what it left, how high it got. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tarn/metrics.h"

typedef struct Token {
    struct Token* next;
    char text[16];
} Token;

static Token* scan(const char* source) {
    Token *first = NULL, **end = &first;
    while (*source) {
        const size_t length = strcspn(source, " ");
        *end = calloc(1, sizeof(Token));
        if (!*end) abort();
        memcpy((*end)->text, source, length < 15 ? length : 15);
        end = &(*end)->next;
        source += length + (source[length] == ' ');
    }
    return first;
}

static char* join(const Token* token) {
    char* text = calloc(1, 200);
    if (!text) abort();
    for (; token; token = token->next)
        strcat(strcat(text, token->text), token->next ? "," : "\n");
    return text;
}

static void finish(tarn_metrics_scope* scope, const char* name) {
    tarn_metrics metrics;
    char text[512];
    if (tarn_metrics_end(scope, &metrics, sizeof metrics) != 0) abort();
    tarn_metrics_print(&metrics, TARN_METRICS_TEXT, name, strlen(name), text, sizeof text);
    fwrite(text, 1, strcspn(text, "\n") + 1, stdout); /* its first line */
    printf("%s: live %lld bytes, peak %llu\n", name, (long long)metrics.live_bytes,
           (unsigned long long)metrics.peak_bytes);
}

int main(void) {
    tarn_metrics_scope all, pass;
    setvbuf(stdout, NULL, _IONBF, 0); /* stdio's buffer would be counted */
    if (tarn_metrics_begin(&all, TARN_METRICS_EXACT) != 0) return 1;

    if (tarn_metrics_begin(&pass, TARN_METRICS_SAMPLED) != 0) return 1;
    Token* tokens = scan("let x be the sum of a and b");
    finish(&pass, "scan");

    if (tarn_metrics_begin(&pass, TARN_METRICS_SAMPLED) != 0) return 1;
    char* text = join(tokens);
    while (tokens) {
        Token* next = tokens->next;
        free(tokens);
        tokens = next;
    }
    finish(&pass, "join");

    fputs(text, stdout);
    free(text);
    finish(&all, "all");
    return 0;
}
