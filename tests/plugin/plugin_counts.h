/* SPDX-License-Identifier: MIT
 * What the test plugin counts; its users find `plugin_counts` by dlsym. */
#ifndef PLUGIN_COUNTS_H
#define PLUGIN_COUNTS_H

struct plugin_counts {
    int starts, allocations, zeroed, frees, resizes, trims;
    int wrong_sizes; /* calls whose size is not what usable_size had said */
    int forks_before, forks_parent, forks_child;
    int inside_fork; /* calls between before_fork and after_fork_* */
};

#endif
