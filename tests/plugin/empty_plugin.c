/* SPDX-License-Identifier: MIT
 * A shared object that is no plugin: it has no tarn_backend_entry. */
int tarn_test_not_a_plugin;
