# SPDX-License-Identifier: MIT
"""Results drawn as SVG."""
