# SPDX-License-Identifier: MIT
"""The benchmarks behind scripts/bench (cli), scripts/bench-api (api) and scripts/bench-translator (translator). Each
uses the folders, and a folder those named before it only: faults, results (store, text, compare), driving (workloads,
allocators, machine, measure, progress, session, micro), drawing (svg, palette, heatmap, plots)."""
