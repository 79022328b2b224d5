/* SPDX-License-Identifier: MIT
 * A small interpreter: its syntax tree lives in one pool, its variables in another. Variables come and go
 * with each step and are nearly all reused; a tree is never taken apart, it ends with its pool. */
#include "tarn/pool.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct node {
    char kind; /* 'n': number, 'x': the argument, or an operator */
    long number;
    struct node *left, *right;
} node;

typedef struct variable {
    long value;
    int references;
} variable;

static tarn_pool *nodes, *variables;

static void* must(void* memory) {
    if (memory == NULL) {
        perror("pool");
        exit(1);
    }
    return memory;
}

/* Reads an expression in Polish notation: "+ * x x 1". */
static node* parse(const char** text) {
    node* made = must(tarn_pool_allocate(nodes));
    while (**text == ' ')
        ++*text;
    made->kind = *(*text)++;
    if (made->kind >= '0' && made->kind <= '9') {
        made->number = made->kind - '0';
        made->kind = 'n';
    } else if (made->kind != 'x') {
        made->left = parse(text);
        made->right = parse(text);
    }
    return made;
}

static variable* make_variable(long value) {
    variable* made = must(tarn_pool_allocate(variables));
    made->value = value;
    made->references = 1;
    return made;
}

static void unreference(variable* any) {
    if (--any->references == 0) tarn_pool_free(variables, any);
}

static variable* run(const node* program, variable* x) {
    if (program->kind == 'n') return make_variable(program->number);
    if (program->kind == 'x') return ++x->references, x;
    variable *left = run(program->left, x), *right = run(program->right, x);
    const long a = left->value, b = right->value;
    unreference(left);
    unreference(right);
    return make_variable(program->kind == '+' ? a + b : a * b);
}

int main(void) {
    const char* text = "+ * 3 * x x + * 2 x 1";
    nodes = must(tarn_pool_create(sizeof(node), sizeof(void*), 0));
    variables = must(tarn_pool_create(sizeof(variable), sizeof(long), 0));
    const node* program = parse(&text);
    long sum = 0;
    for (long i = 0; i < 10000; ++i) {
        variable* x = make_variable(i);
        variable* result = run(program, x);
        sum += result->value;
        unreference(result);
        unreference(x);
    }
    tarn_pool_stats stats;
    tarn_pool_stats_get(variables, &stats, sizeof stats);
    printf("the sum of 3x^2 + 2x + 1 for x < 10000 is %ld\n", sum);
    printf("variables: %llu made, %llu live, more than 99 %% reused: %s\n",
           (unsigned long long)stats.allocations, (unsigned long long)stats.live_objects,
           stats.hit_rate > 0.99 ? "yes" : "no");
    tarn_pool_stats_get(nodes, &stats, sizeof stats);
    printf("nodes: %llu live, freed with their pool\n", (unsigned long long)stats.live_objects);
    tarn_pool_destroy(nodes);
    tarn_pool_destroy(variables);
    return 0;
}
