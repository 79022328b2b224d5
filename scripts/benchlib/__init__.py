# SPDX-License-Identifier: MIT
"""The benchmark driver behind scripts/bench. A module uses those named before it only:
faults, workloads, allocators, machine, results, measure, progress, session, text, compare, svg,
palette, heatmap, plots, micro, cli."""
