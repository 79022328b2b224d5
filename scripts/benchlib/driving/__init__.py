# SPDX-License-Identifier: MIT
"""What is measured (allocators, workloads, the machine), and how: one process, a session of many, single functions."""
