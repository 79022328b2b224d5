# SPDX-License-Identifier: MIT
"""A second interpreter in the process, whose objects die with it."""
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

other = interpreters.create()
interpreters.run_string(other, "def inside(n):\n    return [bytearray(9000) for _ in range(n)]\nkept = inside(400)\n")
interpreters.destroy(other)
