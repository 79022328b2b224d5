// SPDX-License-Identifier: MIT
// What the least library costs at start: loading_scenarios.py, few_pages_at_start.
