/* SPDX-License-Identifier: MIT
 * What gdb is shown: nodes on the heap, a recursion to look into. */
#include <stdio.h>
#include <stdlib.h>

struct node {
    int key;
    char name[20];
    struct node* next;
};

int deep(const struct node* list, int level) {
    if (!list) return level;
    return deep(list->next, level + list->key);
}

int main(void) {
    struct node* list = NULL;
    char* big = malloc(200000);
    for (int i = 1; i <= 5; ++i) {
        struct node* made = malloc(sizeof *made);
        made->key = i;
        snprintf(made->name, sizeof made->name, "node %d", i);
        made->next = list;
        list = made;
    }
    printf("%d\n", deep(list, 0));
    free(big);
    while (list) {
        struct node* next = list->next;
        free(list);
        list = next;
    }
    return 0;
}
