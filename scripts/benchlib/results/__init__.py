# SPDX-License-Identifier: MIT
"""What was measured: stored, compared, and shown as tables."""
