/* SPDX-License-Identifier: MIT
 * A calculator: each line becomes a tree in an arena, is evaluated, and goes as a whole. No node is freed. */
#include <stdio.h>
#include <stdlib.h>
#include <tarn/arena.h>

typedef struct node {
    char kind; /* '0': a number; otherwise the operator */
    double number;
    struct node *left, *right;
} node;

typedef struct parser {
    const char* at;
    tarn_arena* arena;
} parser;

static node* make(parser* p, char kind, double number, node* left, node* right) {
    node* made = tarn_arena_allocate(p->arena, sizeof *made, _Alignof(node));
    if (!made) exit(1);
    *made = (node){kind, number, left, right};
    return made;
}

static node* sum(parser* p);

static node* factor(parser* p) {
    if (*p->at == '(') {
        p->at++;
        node* inner = sum(p);
        p->at++; /* ')' */
        return inner;
    }
    char* end;
    const double number = strtod(p->at, &end);
    p->at = end;
    return make(p, '0', number, NULL, NULL);
}

static node* product(parser* p) {
    node* left = factor(p);
    while (*p->at == '*' || *p->at == '/') {
        const char kind = *p->at++;
        left = make(p, kind, 0, left, factor(p));
    }
    return left;
}

static node* sum(parser* p) {
    node* left = product(p);
    while (*p->at == '+' || *p->at == '-') {
        const char kind = *p->at++;
        left = make(p, kind, 0, left, product(p));
    }
    return left;
}

static double value(const node* n) {
    switch (n->kind) {
        case '+':
            return value(n->left) + value(n->right);
        case '-':
            return value(n->left) - value(n->right);
        case '*':
            return value(n->left) * value(n->right);
        case '/':
            return value(n->left) / value(n->right);
        default:
            return n->number;
    }
}

int main(void) {
    static const char* const lines[] = {"1+2*3", "(1+2)*3", "2*(3+4)*(5-1)/7", "10-4-3"};
    tarn_arena* arena = tarn_arena_create(0, 0);
    if (!arena) return 1;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; ++i) {
        parser p = {lines[i], arena};
        const node* tree = sum(&p);
        puts(tarn_arena_format(arena, NULL, "%s = %g", lines[i], value(tree)));
        tarn_arena_reset(arena); /* the tree and the text; the memory stays for the next line */
    }
    tarn_arena_destroy(arena);
    return 0;
}
